//! Who must not get in does not: raw requests to a real server.

mod contract;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use chainrule_explorer::{Explorer, StartError};
use chainrule_explorer_core::{DEFAULT, example};
use serde_json::{Value, json};

use contract::{contract, fields};

/// One server for all tests, which never ends.
struct Server {
    port: u16,
    token: String,
}

static SERVER: LazyLock<Server> = LazyLock::new(start);

fn start() -> Server {
    let explorer = Explorer::bind(example(DEFAULT).unwrap(), "example".to_owned(), Some(0)).unwrap();
    let (port, address) = (explorer.port(), explorer.address());
    let token = address.strip_prefix(&format!("http://127.0.0.1:{port}/")).unwrap().trim_end_matches('/');
    let token = token.to_owned();
    std::thread::spawn(|| explorer.run());
    Server { port, token }
}

struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
    fn error(&self) -> String {
        let value: Value = serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}", self.text()));
        value["error"].as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
    }
}

impl Server {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    /// Sends these bytes, and reads until the server closes; what every answer must have is checked.
    fn raw(&self, request: &[u8]) -> Reply {
        let mut stream = self.connect();
        // A server that refuses early may close before all is sent.
        let _ = stream.write_all(request);
        let reply = read_reply(stream);
        let shown = String::from_utf8_lossy(&request[..request.len().min(200)]).into_owned();
        let lower = reply.head.to_lowercase();
        for header in [
            "content-security-policy: default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'\r",
            "x-content-type-options: nosniff\r",
            "referrer-policy: no-referrer\r",
            "cross-origin-resource-policy: same-origin\r",
            "cross-origin-opener-policy: same-origin\r",
            "cache-control: no-store\r",
        ] {
            assert!(lower.contains(header), "{header} is not in the answer to\n{shown}\n{}", reply.head);
        }
        assert!(!lower.contains("access-control-"), "{shown}\n{}", reply.head);
        reply
    }

    /// A request with these headers and no others but Connection.
    fn with(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            request += &format!("Content-Length: {}\r\n", body.len());
        }
        self.raw((request + "\r\n" + body).as_bytes())
    }

    fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn origin(&self) -> String {
        format!("http://{}", self.host())
    }

    /// The path of an address below the token.
    fn at(&self, address: &str) -> String {
        format!("/{}/{address}", self.token)
    }

    fn get(&self, address: &str) -> Reply {
        self.with("GET", &self.at(address), &[("Host", &self.host())], "")
    }

    fn post(&self, address: &str, body: &str) -> Reply {
        let headers =
            [("Host", &*self.host()), ("Origin", &self.origin()), ("Content-Type", "application/json")];
        self.with("POST", &self.at(address), &headers, body)
    }
}

fn read_reply(mut stream: TcpStream) -> Reply {
    let mut bytes = Vec::new();
    let mut buffer = [0; 65536];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("{error}, after {:?}", String::from_utf8_lossy(&bytes)),
        }
    }
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or_else(|| {
        panic!("no answer: {:?}", String::from_utf8_lossy(&bytes));
    });
    let head = String::from_utf8(bytes[..end + 2].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Reply { status, head, body: bytes.split_off(end + 4) }
}

const METHODS: [&str; 8] = ["GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"];

/// Addresses of every kind, and what stands after the token of each.
const ADDRESSES: [&str; 9] = [
    "",
    "explorer.js",
    "explorer.css",
    "api/alive",
    "api/catalog",
    "api/documents",
    "api/revisions/1",
    "api/revisions/1/edits",
    "nothing",
];

#[test]
fn the_page_and_its_numbers_are_served_to_who_may_have_them() {
    let page = SERVER.get("");
    assert_eq!(page.status, 200);
    assert!(page.text().contains("explorer.js") && page.head.contains("text/html"), "{}", page.head);
    assert!(SERVER.get("explorer.js").head.contains("text/javascript"));
    assert!(SERVER.get("explorer.css").head.contains("text/css"));
    assert_eq!(SERVER.get("api/alive").text(), r#"{"alive":true}"#);
    let localhost = format!("localhost:{}", SERVER.port);
    assert_eq!(SERVER.with("GET", &SERVER.at("api/alive"), &[("Host", &localhost)], "").status, 200);
    let start = json!(1);
    let catalog: Value = serde_json::from_slice(&SERVER.get("api/catalog").body).unwrap();
    assert_eq!(catalog["start"], start);
    let first = SERVER.get("api/revisions/1");
    let first: Value = serde_json::from_slice(&first.body).unwrap();
    assert_eq!(first["widths"], json!([3, 4, 2]));
    let edited = SERVER.post("api/revisions/1/edits", r#"{"kind":"learning_rate","value":0.25}"#);
    assert_eq!(edited.status, 200, "{}", edited.text());
    let edited: Value = serde_json::from_slice(&edited.body).unwrap();
    assert_eq!((&edited["view"]["learning_rate"], &edited["view"]["parent"]), (&json!(0.25), &json!(1)));
    let shared = SERVER.get("api/revisions/1/document");
    let opened = SERVER.post("api/documents", &format!(r#"{{"document":{}}}"#, shared.text()));
    assert_eq!(opened.status, 200, "{}", opened.text());
    assert_eq!(
        SERVER.with("GET", SERVER.at("").trim_end_matches('/'), &[("Host", &SERVER.host())], "").status,
        308
    );
}

#[test]
fn every_question_is_answered_in_the_words_of_the_contract() {
    let fresh = SERVER.post("api/documents", r#"{"example":"3-4-2"}"#);
    let fresh: Value = serde_json::from_slice(&fresh.body).unwrap();
    let revision = format!("api/revisions/{}", fresh["revision"]);
    let answer = |reply: Reply, what: &str, name: &str| {
        assert_eq!(reply.status, 200, "{what}: {}", reply.text());
        let value: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(fields(&value), contract(name), "{what}");
        value
    };
    let (catalog, limits) = (SERVER.get("api/catalog"), contract("Limits"));
    assert_eq!(fields(&answer(catalog, "api/catalog", "Catalog")["limits"]), limits);
    for (question, name) in [
        ("explain?name=z.1&row=0&column=2", "Explanation"),
        ("neuron?layer=1&neuron=2&sample=0", "NeuronReport"),
        ("edge?layer=1&to=2&from=0&sample=0", "EdgeReport"),
        ("matrix?name=weight.1", "MatrixReport"),
        ("outer?layer=1&sample=0", "OuterReport"),
        ("outer?layer=2", "OuterReport"),
        ("layer?layer=1", "LayerReport"),
        ("loss", "LossReport"),
        ("input?column=0&sample=0", "InputReport"),
        ("quiz?seed=1&count=10", "Quiz"),
        ("sabotage?mistake=no_slope&iterations=5", "SabotageReport"),
    ] {
        answer(SERVER.get(&format!("{revision}/{question}")), question, name);
    }
    for question in [
        "explain?name=z.9&row=0&column=2",
        "explain?name=z.1&row=18446744073709551615&column=18446744073709551615",
        "neuron?layer=0&neuron=2&sample=0",
        "neuron?layer=18446744073709551615&neuron=18446744073709551615&sample=18446744073709551615",
        "edge?layer=1&to=4&from=0&sample=0",
        "edge?layer=1&to=18446744073709551615&from=18446744073709551615&sample=0",
        "matrix?name=bias.1",
        "outer?layer=3",
        "outer?layer=1&sample=18446744073709551615",
        "layer?layer=18446744073709551615",
        "input?column=18446744073709551615&sample=0",
        "input?column=0",
        "loss?more=1",
        "quiz?seed=1&count=18446744073709551615",
        "quiz?seed=1&count=3&concepts=cooking",
        "sabotage?mistake=no_bias&iterations=5",
        "sabotage?mistake=no_slope&iterations=18446744073709551615",
    ] {
        let reply = SERVER.get(&format!("{revision}/{question}"));
        assert!(matches!(reply.status, 400 | 404 | 422), "{question}: {}", reply.status);
        reply.error();
    }
    let cell = r#"{"name":"weight.1","row":0,"column":1}"#;
    let check = answer(SERVER.post(&format!("{revision}/check/cell"), cell), "check/cell", "CellCheck");
    assert_eq!(check["verdict"], "agrees");
    let check = answer(SERVER.post(&format!("{revision}/check/all"), "{}"), "check/all", "CheckReport");
    assert_eq!((&check["passed"], &check["revision"]), (&json!(true), &fresh["revision"]));
    let reply =
        SERVER.post(&format!("{revision}/quiz/answer"), r#"{"seed":1,"number":3,"answer":{"shape":[2,4]}}"#);
    assert_eq!(answer(reply, "quiz/answer", "QuizVerdict")["mistake"], "not_transposed");
    let pair = r#"{"a":[[1,2],[3,4]],"b":[[5],[6]]}"#;
    assert_eq!(
        answer(SERVER.post("api/multiply", pair), "multiply", "Product")["product"],
        json!([[17.0], [39.0]])
    );
    let pair = format!(r#"{{"a":[{0}],"b":[{0}]}}"#, vec!["[1]"; 100_000].join(","));
    assert_eq!(SERVER.post("api/multiply", &pair).status, 422);
    let reply = SERVER.post("api/revisions/1/edits", r#"{"kind":"reset"}"#);
    let reply = answer(reply, "edits", "EditReply");
    assert_eq!(fields(&reply["view"]), contract("View"));
}

#[test]
fn values_are_little_endian_numbers() {
    let numbers = |address: &str| -> Vec<f64> {
        let reply = SERVER.get(address);
        assert_eq!(reply.status, 200, "{address}: {}", reply.text());
        assert!(reply.head.contains("application/octet-stream"));
        reply.body.chunks(8).map(|eight| f64::from_le_bytes(eight.try_into().unwrap())).collect()
    };
    let value = "api/revisions/1/values/weight.1";
    let all = [0.42, -0.31, 0.18, -0.57, 0.26, 0.63, 0.15, 0.74, -0.48, -0.22, -0.65, 0.37];
    assert_eq!(numbers(value), all);
    for (address, status) in [
        ("api/revisions/1/values/weight.9", 404),
        ("api/revisions/99999/values/weight.1", 404),
        ("api/revisions/0", 404),
        ("api/revisions/-1", 404),
        ("api/revisions/18446744073709551615", 404),
    ] {
        let reply = SERVER.get(address);
        assert_eq!(reply.status, status, "{address}");
        reply.error();
    }
}

#[test]
fn a_foreign_host_is_refused_on_every_method_and_address() {
    let port = SERVER.port;
    let hosts = [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        format!("127.0.0.1.evil.example:{port}"),
        format!("127.0.0.1:{port}.evil.example"),
        format!("127.0.0.1:{port}@evil.example"),
        format!("localhost:{}", port.wrapping_add(1)),
        "127.0.0.1".to_owned(),
        format!("0.0.0.0:{port}"),
        format!("[::1]:{port}"),
        format!("127.1:{port}"),
        String::new(),
    ];
    for method in METHODS {
        for address in ADDRESSES {
            for host in &hosts {
                let reply = SERVER.with(method, &SERVER.at(address), &[("Host", host)], "");
                assert_eq!(reply.status, 403, "{method} {address} of {host}");
                // Even with everything else right.
                let headers = [("Host", host.as_str()), ("Origin", &SERVER.origin())];
                assert_eq!(
                    SERVER.with(method, &SERVER.at(address), &headers, "").status,
                    403,
                    "{method} {host}"
                );
            }
        }
    }
}

#[test]
fn no_host_two_hosts_and_a_host_in_the_target_are_refused() {
    for method in METHODS {
        let path = SERVER.at("api/alive");
        assert_eq!(SERVER.with(method, &path, &[], "").status, 403, "{method}");
        let twice = [("Host", &*SERVER.host()), ("Host", "evil.example")];
        assert_eq!(SERVER.with(method, &path, &twice, "").status, 403, "{method}");
        let target = format!("http://evil.example{path}");
        assert_eq!(SERVER.with(method, &target, &[("Host", &SERVER.host())], "").status, 403, "{method}");
    }
    let old = format!("GET {} HTTP/1.0\r\n\r\n", SERVER.at("api/alive"));
    assert_eq!(SERVER.raw(old.as_bytes()).status, 403);
}

#[test]
fn without_the_token_nothing_is_there() {
    let token = &SERVER.token;
    assert!(token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit()), "128 bits: {token}");
    assert_ne!(*token, start().token, "each launch has its own");
    let mut near = token.clone();
    near.replace_range(31.., if token.ends_with('0') { "1" } else { "0" });
    let encoded: String = token.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let longer = format!("{token}0");
    let upper = format!("{}A", &token[..31]);
    let wrong =
        ["", "api", "x", &near, &token[..31], &longer, &encoded, &upper, "%00", "..", ".", "favicon.ico"];
    for method in METHODS {
        for address in ADDRESSES {
            for first in wrong {
                for path in [format!("/{first}/{address}"), format!("/{first}/{token}/{address}")] {
                    let headers = [("Host", &*SERVER.host()), ("Origin", &SERVER.origin())];
                    let reply = SERVER.with(method, &path, &headers, "");
                    assert_eq!(reply.status, 403, "{method} {path}");
                }
            }
        }
    }
    let page = SERVER.with("GET", "/", &[("Host", &SERVER.host())], "").text();
    assert!(page.contains("Open the address that") && page.contains("chainrule explore"), "{page}");
    for path in ["//", "/..//", "*", "/./", "/?token=x"] {
        let reply = SERVER.with("OPTIONS", path, &[("Host", &SERVER.host())], "");
        assert_eq!(reply.status, 403, "{path}");
    }
}

#[test]
fn path_tricks_lead_nowhere() {
    let token = &SERVER.token;
    for path in [
        format!("//{token}/api/alive"),
        format!("/x/../{token}/api/alive"),
        format!("/%2e%2e/{token}/api/alive"),
        format!("/.%2f{token}/api/alive"),
        format!("/{token}%2fapi%2falive"),
        format!("/{token}%00/api/alive"),
        format!("/{token};x/api/alive"),
        format!("\\{token}\\api\\alive"),
    ] {
        let mut stream = SERVER.connect();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", SERVER.host());
        stream.write_all(request.as_bytes()).unwrap();
        let reply = read_reply(stream);
        assert!(matches!(reply.status, 400 | 403), "{path}: {}", reply.status);
    }
    for address in [
        "/api/alive",
        "../api/alive",
        "%2e%2e/api/alive",
        "./api/alive",
        "api//alive",
        "api%2falive",
        "api/alive/",
        "explorer.js/..",
        "../../../../etc/passwd",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "..%5c..%5cetc",
        "index.html",
        "explorer.js%00",
        "API/ALIVE",
        "api/revisions/1/values/..%2f..%2fpasswd",
        "api/revisions/%ff",
    ] {
        let reply = SERVER.get(address);
        assert_eq!(reply.status, 404, "{address}: {}", reply.text());
        reply.error();
    }
}

#[test]
fn another_origin_is_refused() {
    let (host, own) = (SERVER.host(), SERVER.origin());
    let body = r#"{"kind":"reset"}"#;
    let post = |headers: &[(&str, &str)]| {
        let mut all = vec![("Host", &*host), ("Content-Type", "application/json")];
        all.extend_from_slice(headers);
        SERVER.with("POST", &SERVER.at("api/revisions/1/edits"), &all, body).status
    };
    let port = SERVER.port;
    for origin in [
        "null".to_owned(),
        String::new(),
        "http://evil.example".to_owned(),
        format!("http://evil.example:{port}"),
        format!("https://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{}", port.wrapping_add(1)),
        "http://127.0.0.1".to_owned(),
        format!("http://127.0.0.1:{port}.evil.example"),
        format!("http://127.0.0.1:{port}/"),
        format!("{own} {own}"),
    ] {
        assert_eq!(post(&[("Origin", &origin)]), 403, "{origin}");
        assert_eq!(post(&[("Origin", &origin), ("Sec-Fetch-Site", "same-origin")]), 403, "{origin}");
        for method in METHODS {
            let headers = [("Host", &*host), ("Origin", &origin)];
            assert_eq!(SERVER.with(method, &SERVER.at(""), &headers, "").status, 403, "{method} {origin}");
        }
    }
    assert_eq!(post(&[]), 403, "a POST says where it comes from");
    assert_eq!(post(&[("Sec-Fetch-Site", "none")]), 403);
    assert_eq!(post(&[("Origin", &own), ("Origin", "http://evil.example")]), 403);
    for site in ["cross-site", "same-site", "", "nonsense", "none, same-origin"] {
        assert_eq!(post(&[("Origin", &own), ("Sec-Fetch-Site", site)]), 403, "{site}");
        for method in METHODS {
            let headers = [("Host", &*host), ("Sec-Fetch-Site", site)];
            assert_eq!(SERVER.with(method, &SERVER.at(""), &headers, "").status, 403, "{method} {site}");
        }
    }
    assert_eq!(post(&[("Origin", &own)]), 200);
    assert_eq!(post(&[("Origin", &format!("http://localhost:{port}"))]), 200);
    assert_eq!(post(&[("Sec-Fetch-Site", "same-origin")]), 200);
    assert_eq!(post(&[("Origin", &own), ("Sec-Fetch-Site", "same-origin")]), 200);
    let opened = [("Host", &*host), ("Sec-Fetch-Site", "none")];
    assert_eq!(SERVER.with("GET", &SERVER.at(""), &opened, "").status, 200, "an address that was typed");
}

#[test]
fn other_methods_and_addresses_are_refused() {
    for method in ["OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "POST", "PROPFIND"] {
        for address in ["", "explorer.js", "api/alive", "api/catalog", "api/revisions/1"] {
            let headers = [("Host", &*SERVER.host()), ("Origin", &SERVER.origin())];
            let reply = SERVER.with(method, &SERVER.at(address), &headers, "");
            assert_eq!(reply.status, 405, "{method} {address}");
            reply.error();
        }
    }
    for address in ["api/documents", "api/revisions/1/edits"] {
        assert_eq!(SERVER.get(address).status, 405, "{address}");
    }
    assert_eq!(SERVER.get("nothing").status, 404);
    assert_eq!(SERVER.post("nothing", "{}").status, 404);
    let head = SERVER.with("HEAD", &SERVER.at(""), &[("Host", &SERVER.host())], "");
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[test]
fn a_body_that_is_too_large_is_refused_declared_or_not() {
    let limit = 4 * 1024 * 1024;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nOrigin: {}\r\nConnection: close\r\n\
         Content-Type: application/json\r\n",
        SERVER.at("api/documents"),
        SERVER.host(),
        SERVER.origin()
    );
    for declared in [(limit + 1).to_string(), "9223372036854775808".to_owned()] {
        let reply = SERVER.raw(format!("{head}Content-Length: {declared}\r\n\r\n{{").as_bytes());
        assert_eq!(reply.status, 413, "{declared}: {}", reply.text());
        assert!(reply.error().contains("limit of 4194304"), "{}", reply.error());
    }
    let mut chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
    let chunk = [b"100000\r\n".as_slice(), &vec![b' '; 1 << 20], b"\r\n"].concat();
    // Nothing is sent after the limit, so that the answer is not lost with a reset connection.
    (0..4).for_each(|_| chunked.extend_from_slice(&chunk));
    chunked.extend_from_slice(b"1\r\n ");
    assert_eq!(SERVER.raw(&chunked).status, 413);
    let fits = format!("{{\"example\":\"xor\"}}{}", " ".repeat(limit - 17));
    assert_eq!(SERVER.post("api/documents", &fits).status, 200, "as much as is allowed");
}

#[test]
fn a_post_of_another_content_type_is_refused() {
    for kind in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "json"]
    {
        let headers = [("Host", &*SERVER.host()), ("Origin", &SERVER.origin()), ("Content-Type", kind)];
        let reply = SERVER.with("POST", &SERVER.at("api/documents"), &headers, r#"{"example":"xor"}"#);
        assert_eq!(reply.status, 415, "{kind}");
        assert!(reply.error().contains("application/json"));
    }
    let headers = [("Host", &*SERVER.host()), ("Origin", &SERVER.origin())];
    let reply = SERVER.with("POST", &SERVER.at("api/documents"), &headers, r#"{"example":"xor"}"#);
    assert_eq!(reply.status, 415, "none");
    let kind = "Application/JSON; charset=utf-8";
    let headers = [("Host", &*SERVER.host()), ("Origin", &SERVER.origin()), ("Content-Type", kind)];
    let reply = SERVER.with("POST", &SERVER.at("api/documents"), &headers, r#"{"example":"xor"}"#);
    assert_eq!(reply.status, 200);
}

#[test]
fn json_that_is_not_as_expected_is_refused() {
    let nested = |times: usize| format!("{}{}", "[".repeat(times), "]".repeat(times));
    let objects = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    for body in [
        String::new(),
        "{".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        nested(100),
        nested(2_000_000),
        format!(r#"{{"document":{}}}"#, nested(100_000)),
        format!(r#"{{"document":{objects}}}"#),
        format!(r#"{{"kind":"set","name":{objects}}}"#),
        "\u{0}".to_owned(),
        r#"{"example":"xor","more":1}"#.to_owned(),
        r#"{"example":"xor","example":"xor"}"#.to_owned(),
        r#"{"kind":"set","name":"weight.1","row":-1,"column":0,"value":1}"#.to_owned(),
        r#"{"kind":"set","name":"weight.1","row":1e30,"column":0,"value":1}"#.to_owned(),
        r#"{"kind":"set","name":"weight.1","row":0,"column":0,"value":1e999}"#.to_owned(),
    ] {
        for address in ["api/documents", "api/revisions/1/edits"] {
            let reply = SERVER.post(address, &body);
            assert_eq!(reply.status, 400, "{address} {}: {}", &body[..body.len().min(60)], reply.text());
            reply.error();
        }
    }
    for body in [r#"{}"#, r#"{"example":"nothing"}"#] {
        assert!(matches!(SERVER.post("api/documents", body).status, 404 | 422), "{body}");
    }
}

#[test]
fn networks_that_are_too_large_are_refused_at_once() {
    let shared: Value = serde_json::from_slice(&SERVER.get("api/revisions/1/document").body).unwrap();
    let layer = |width: &str| format!(r#"{{"width":{width},"activation":"relu","bias":true}}"#);
    let of = |widths: &[&str]| widths.iter().map(|width| layer(width)).collect::<Vec<_>>().join(",");
    let big = "9223372036854775808";
    for (widths, words) in [
        (vec!["4"; 1000], "1000 is more than the limit of 64"),
        (vec!["4"; 20_000], "more than the limit of 64"),
        (vec!["1000000000", "2"], "1000000000 is more than the limit of 4096"),
        (vec![big, "2"], "more than the limit of 4096"),
        (vec!["18446744073709551615", "2"], "more than the limit of 4096"),
        (vec!["18446744073709551616", "2"], "where a whole number"),
        (vec!["4096", "4096", "2"], "more than the limit of 4000000"),
        (vec!["0", "2"], "width is 0"),
    ] {
        let started = Instant::now();
        let reply = SERVER
            .post("api/revisions/1/edits", &format!(r#"{{"kind":"layers","layers":[{}]}}"#, of(&widths)));
        let reason = reply.error();
        assert!(matches!(reply.status, 400 | 422), "{}: {reason}", reply.status);
        assert!(reason.contains(words), "'{words}' is not in: {reason}");

        let layers: Vec<_> = widths.iter().map(|width| format!(r#"{{"dense":{}}}"#, layer(width))).collect();
        let network = format!(r#"{{"input_width":3,"layers":[{}]}}"#, layers.join(","));
        let mut document = shared.clone();
        document["network"] = json!("NETWORK");
        let text = document.to_string().replace("\"NETWORK\"", &network);
        let reply = SERVER.post("api/documents", &format!(r#"{{"document":{text}}}"#));
        let reason = reply.error();
        assert!(matches!(reply.status, 400 | 422), "{}: {reason}", reply.status);
        // The engine itself refuses what no memory can hold.
        assert!(reason.contains(words) || reason.contains("too large"), "'{words}' is not in: {reason}");
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    }
    for width in ["1000000000", big] {
        let mut document = shared.clone();
        document["network"]["input_width"] = json!("WIDTH");
        let text = document.to_string().replace("\"WIDTH\"", width);
        let reply = SERVER.post("api/documents", &format!(r#"{{"document":{text}}}"#));
        assert!(matches!(reply.status, 400 | 422), "{}: {}", reply.status, reply.error());
    }
    for edit in [
        r#"{"kind":"batch","first":0,"count":18446744073709551615}"#,
        r#"{"kind":"batch","first":18446744073709551615,"count":2}"#,
        r#"{"kind":"iterate","count":18446744073709551615}"#,
        r#"{"kind":"iterate","count":0}"#,
        r#"{"kind":"set","name":"target","row":18446744073709551615,"column":1,"value":1}"#,
        r#"{"kind":"set","name":"a.0","row":0,"column":18446744073709551615,"value":1}"#,
        r#"{"kind":"set","name":"bias.2","row":0,"column":18446744073709551615,"value":1}"#,
        r#"{"kind":"set","name":"weight.1","row":18446744073709551615,"column":1,"value":1}"#,
        r#"{"kind":"activation","layer":18446744073709551615,"activation":"relu"}"#,
        r#"{"kind":"activation","layer":0,"activation":"relu"}"#,
    ] {
        let reply = SERVER.post("api/revisions/1/edits", edit);
        assert_eq!(reply.status, 422, "{edit}: {}", reply.text());
    }
}

/// A network near the limits; the answer is about its edit.
fn large_revision() -> u64 {
    let reply = SERVER.post(
        "api/revisions/1/edits",
        r#"{"kind":"layers","layers":[{"width":1900,"activation":"tanh","bias":true},
            {"width":2000,"activation":"tanh","bias":true},{"width":2,"activation":"softmax","bias":true}]}"#,
    );
    assert_eq!(reply.status, 200, "{}", reply.text());
    let view: Value = serde_json::from_slice(&reply.body).unwrap();
    view["view"]["revision"].as_u64().unwrap()
}

#[test]
fn work_that_would_take_minutes_is_refused_with_the_limit() {
    let revision = large_revision();
    let reply = SERVER.post(&format!("api/revisions/{revision}/edits"), r#"{"kind":"iterate","count":1000}"#);
    assert_eq!(reply.status, 422);
    assert!(reply.error().contains("1000 is more than the limit of"), "{}", reply.error());
    let orthogonal = r#"{"kind":"initialize","rule":"orthogonal","seed":1}"#;
    let reply = SERVER.post(&format!("api/revisions/{revision}/edits"), orthogonal);
    assert_eq!(reply.status, 422);
    assert!(reply.error().contains("orthogonal"), "{}", reply.error());
}

#[test]
fn a_finite_difference_request_that_would_run_for_hours_ends_in_time() {
    let address = format!("api/revisions/{}/check/all", large_revision());
    let started = Instant::now();
    let reply = SERVER.post(&address, "{}");
    assert_eq!(reply.status, 200, "{}", reply.text());
    let report: Value = serde_json::from_slice(&reply.body).unwrap();
    assert!(report["sampled"].is_string(), "not all of 3.8 million cells are checked");
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());

    // Who goes away does not keep the server busy.
    let mut gone = SERVER.connect();
    let request = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nOrigin: {}\r\n\
         Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}",
        SERVER.at(&address),
        SERVER.host(),
        SERVER.origin()
    );
    gone.write_all(request.as_bytes()).unwrap();
    drop(gone);
    let started = Instant::now();
    assert_eq!(SERVER.get("api/revisions/1").status, 200);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn slow_senders_are_cut_off_and_hold_nobody_up() {
    // A server of its own: its places are taken.
    let server = start();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nOrigin: {}\r\n\
         Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{{",
        server.at("api/documents"),
        server.host(),
        server.origin()
    );
    let started = Instant::now();
    let stalled: Vec<TcpStream> = (0..40)
        .map(|i| {
            let mut stream = server.connect();
            let part = match i % 3 {
                0 => "",
                1 => "GET / HTTP/1.1\r\nHos",
                _ => &head,
            };
            stream.write_all(part.as_bytes()).unwrap();
            stream
        })
        .collect();
    assert_eq!(server.get("api/alive").status, 200);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    for (i, mut stream) in stalled.into_iter().enumerate() {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap_or_else(|error| panic!("{i}: {error}"));
        match i % 3 {
            2 => assert!(answer.starts_with("HTTP/1.1 408"), "{answer}"),
            _ => assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}"),
        }
    }
    assert!(started.elapsed() < Duration::from_secs(40), "{:?}", started.elapsed());
    // More connections than there are places: who waits gets a turn when the others are cut off.
    let crowd: Vec<TcpStream> = (0..100).map(|_| server.connect()).collect();
    assert_eq!(server.get("api/alive").status, 200);
    drop(crowd);
}

#[test]
fn a_port_that_is_taken_is_an_error_when_it_was_asked_for() {
    let document = || example(DEFAULT).unwrap();
    let one = Explorer::bind(document(), "one".to_owned(), Some(0)).unwrap();
    let taken = Explorer::bind(document(), "two".to_owned(), Some(one.port())).unwrap_err();
    assert!(matches!(taken, StartError::PortTaken(port) if port == one.port()), "{taken}");
    assert!(taken.to_string().contains("is taken; give another one"), "{taken}");
}

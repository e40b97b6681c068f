//! A server with limits of its own, and who asks it.

#![allow(dead_code, reason = "no test file asks for all of it")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use chainrule_explorer::{Explorer, ServerLimits};
use chainrule_explorer_core::{DEFAULT, example};
use serde_json::{Value, json};

/// A server that never ends.
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) token: String,
}

impl Server {
    pub(crate) fn start(limits: ServerLimits) -> Server {
        let document = example(DEFAULT).unwrap();
        let explorer = Explorer::bind_with(document, "example".to_owned(), Some(0), limits).unwrap();
        let (port, address) = (explorer.port(), explorer.address());
        let token = address.rsplit('/').nth(1).unwrap().to_owned();
        std::thread::spawn(|| explorer.run());
        Server { port, token }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }

    /// A request, to be kept alive or not.
    pub(crate) fn request(&self, path: &str, body: Option<&str>, connection: &str) -> String {
        let (method, body) = body.map_or(("GET", ""), |body| ("POST", body));
        let host = format!("127.0.0.1:{}", self.port);
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nConnection: {connection}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// The path of an address below the token.
    pub(crate) fn at(&self, address: &str) -> String {
        format!("/{}/{address}", self.token)
    }

    /// Status and body.
    pub(crate) fn ask(&self, address: &str, body: Option<&str>) -> (u16, Vec<u8>) {
        let mut stream = self.connect();
        let request = self.request(&self.at(address), body, "close");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer");
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), answer.split_off(end + 4))
    }

    pub(crate) fn json(&self, address: &str, body: Option<&str>) -> (u16, Value) {
        let (status, body) = self.ask(address, body);
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// A revision whose network has these layers.
    pub(crate) fn with_layers(&self, widths: &[usize]) -> u64 {
        let layer = |width: &usize| json!({ "width": width, "activation": "tanh", "bias": true });
        let layers: Vec<Value> = widths.iter().map(layer).collect();
        let edit = json!({ "kind": "layers", "layers": layers }).to_string();
        let (status, reply) = self.json("api/revisions/1/edits", Some(&edit));
        assert_eq!(status, 200, "{reply}");
        reply["view"]["revision"].as_u64().unwrap()
    }
}

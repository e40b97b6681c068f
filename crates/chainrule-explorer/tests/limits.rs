//! What a server allows: connections, and how long reading, writing and work may take.

mod client;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use chainrule_explorer::ServerLimits;
use chainrule_explorer_core::{Edit, Store, example, system_clock};

use client::Server;

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(300);

/// No time limit but those that a test sets.
fn patient() -> ServerLimits {
    ServerLimits { head_time: LONG, body_time: LONG, write_time: LONG, ..ServerLimits::default() }
}

/// Whether the server has ended the connection: all that it has sent is read.
fn is_ended(mut stream: &TcpStream, within: Duration) -> bool {
    stream.set_read_timeout(Some(within)).unwrap();
    let mut buffer = [0; 65536];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    }
}

/// Sends the request again and again, as much as the server takes.
fn flood(server: &Server, path: &str) -> TcpStream {
    let mut stream = server.connect();
    stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    let requests = server.request(path, None, "keep-alive").repeat(1000);
    for _ in 0..200 {
        // The server that does not get rid of its answers takes no more.
        if stream.write_all(requests.as_bytes()).is_err() {
            return stream;
        }
    }
    panic!("the server took everything");
}

#[test]
fn who_never_reads_is_cut_off_with_the_token_or_without() {
    let server = Server::start(ServerLimits { write_time: Duration::from_millis(200), ..patient() });
    let (stranger, known) = (flood(&server, "/"), flood(&server, &server.at("explorer.js")));
    std::thread::sleep(Duration::from_secs(1));
    // Otherwise the server would go on as soon as its answers are read, and wait for more requests.
    assert!(is_ended(&stranger, Duration::from_secs(5)), "a stranger");
    assert!(is_ended(&known, Duration::from_secs(5)), "with the token");
}

#[test]
fn strangers_give_way_to_each_other_and_to_who_has_the_token() {
    let server = Server::start(ServerLimits { connections: 8, ..patient() });
    let alive = server.request(&server.at("api/alive"), None, "keep-alive");
    let is_answered = |mut stream: &TcpStream| {
        stream.write_all(alive.as_bytes()).is_ok() && {
            let mut start = [0; 12];
            stream.read_exact(&mut start).is_ok() && start == *b"HTTP/1.1 200"
        }
    };
    let known = server.connect();
    assert!(is_answered(&known));
    // As many again as there are places, of every kind.
    let mut strangers: Vec<TcpStream> = vec![flood(&server, "/")];
    for i in 0..24 {
        let mut stream = server.connect();
        let wrong = server.request("/", None, "keep-alive");
        stream.write_all(["", &wrong[..20], &wrong][i % 3].as_bytes()).unwrap();
        strangers.push(stream);
    }
    let started = Instant::now();
    assert_eq!(server.json("api/alive", None).0, 200);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    let (oldest, newest) = (&strangers[..16], &strangers[23..]);
    for stream in oldest {
        assert!(is_ended(stream, Duration::from_secs(10)), "the oldest strangers gave way");
    }
    for stream in newest {
        assert!(!is_ended(stream, Duration::from_millis(100)), "the newest strangers stay");
    }
    let mut rest = [0; 65536];
    let _ = (&known).read(&mut rest).unwrap();
    assert!(is_answered(&known), "who has shown the token stays, however old");
}

#[test]
fn who_has_the_token_is_not_sent_away_by_others_who_have_it() {
    let server = Server::start(ServerLimits { connections: 4, ..patient() });
    let alive = server.request(&server.at("api/alive"), None, "keep-alive");
    let known: Vec<TcpStream> = (0..4)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(alive.as_bytes()).unwrap();
            assert!(stream.read(&mut [0; 65536]).unwrap() > 0);
            stream
        })
        .collect();
    let mut waiting = server.connect();
    waiting.write_all(alive.as_bytes()).unwrap();
    assert!(!is_ended(&waiting, Duration::from_millis(300)));
    for stream in &known {
        assert!(!is_ended(stream, Duration::from_millis(50)));
    }
    drop(known);
    waiting.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    assert!(waiting.read(&mut [0; 65536]).unwrap() > 0, "there is a place again");
}

#[test]
fn an_idle_connection_ends_with_the_token_too() {
    let head_time = Duration::from_millis(300);
    let server = Server::start(ServerLimits { head_time, ..patient() });
    let mut stream = server.connect();
    let alive = server.request(&server.at("api/alive"), None, "keep-alive");
    stream.write_all(alive.as_bytes()).unwrap();
    assert!(stream.read(&mut [0; 65536]).unwrap() > 0);
    assert!(is_ended(&stream, Duration::from_secs(20)));
}

#[test]
fn iterations_that_are_not_done_in_time_are_left_out() {
    let server =
        Server::start(ServerLimits { work_time: Duration::from_millis(200), ..ServerLimits::default() });
    let revision = server.with_layers(&[200, 200, 200, 2]);
    let address = format!("api/revisions/{revision}/edits");
    let (status, reply) = server.json(&address, Some(r#"{"kind":"iterate","count":1000}"#));
    assert_eq!(status, 200, "{reply}");
    let made = reply["made"].as_array().unwrap();
    assert!((1..1000).contains(&made.len()), "{}", made.len());
    let label = reply["view"]["label"].as_str().unwrap();
    let words = format!("stopped after {} of 1000 iterations: 200 ms had passed", made.len());
    assert_eq!((label, made.last().unwrap()["label"].as_str().unwrap()), (&*words, &*words));
    assert_eq!(reply["view"]["iteration"].as_u64(), Some(made.len() as u64));
    // From there it goes on.
    let address = format!("api/revisions/{}/edits", reply["view"]["revision"]);
    let (_, next) = server.json(&address, Some(r#"{"kind":"iterate","count":1}"#));
    assert_eq!(next["view"]["iteration"].as_u64(), Some(made.len() as u64 + 1));
}

#[test]
fn a_document_that_is_not_rebuilt_in_time_is_when_it_is_asked_for_again() {
    let never = AtomicBool::new(false);
    // No time at all: an iteration at a time, and then an edit at a time.
    let store = Store::with_time(150_000, Duration::ZERO, system_clock);
    let mut last = store.add(example("deep-10").unwrap(), "example".to_owned()).unwrap().revision;
    let mut losses = Vec::new();
    for _ in 0..60 {
        let (held, made) = store.edit(last, &Edit::Iterate { count: 5 }, &never).unwrap();
        assert_eq!(made.len(), 1, "there is always one");
        losses.push((held.revision, held.step.trace.loss()));
        last = held.revision;
    }
    let mut refusals = 0;
    // The last ones are kept, and others rebuilt from the root.
    for (revision, loss) in losses.into_iter().rev() {
        let held = (0..100).find_map(|_| match store.get(revision, &never) {
            Ok(held) => Some(held),
            Err(refusal) => {
                refusals += 1;
                assert!(refusal.to_string().contains("ask again to go on from there"), "{refusal}");
                None
            }
        });
        assert_eq!(held.expect("it comes nearer each time").step.trace.loss(), loss, "revision {revision}");
    }
    assert!(refusals > 0, "nothing was dropped");
}

#[test]
fn questions_do_not_wait_for_iterations() {
    let work_time = Duration::from_secs(8);
    let server = Server::start(ServerLimits { work_time, ..patient() });
    let address = format!("api/revisions/{}/edits", server.with_layers(&[400, 400, 400, 2]));
    let busy: Vec<TcpStream> = (0..16)
        .map(|_| {
            let mut stream = server.connect();
            let body = Some(r#"{"kind":"iterate","count":1000}"#);
            stream.write_all(server.request(&server.at(&address), body, "close").as_bytes()).unwrap();
            stream
        })
        .collect();
    // They have begun.
    std::thread::sleep(Duration::from_millis(300));
    let started = Instant::now();
    let (status, _) = server.json("api/revisions/1/explain?name=z.1&row=0&column=2", None);
    assert_eq!(status, 200);
    assert!(started.elapsed() < work_time / 2, "{:?}", started.elapsed());
    assert!(!is_ended(&busy[0], Duration::from_millis(10)), "there was work all the time");
}

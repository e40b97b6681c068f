//! `chainrule explore`: the page is there while it runs, and Ctrl-C ends it.

use crate::place::{Place, trained};

#[cfg(unix)]
mod running {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpStream;
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    use serde_json::Value;

    use crate::place::{Place, trained};

    /// The program with a page that somebody looks at.
    struct Running {
        child: Child,
        lines: BufReader<std::process::ChildStdout>,
    }

    impl Running {
        fn start(place: &Place, line: &str) -> Self {
            let mut command = place.foreground(line);
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let lines = BufReader::new(child.stdout.take().unwrap());
            Running { child, lines }
        }

        fn line(&mut self) -> String {
            let mut line = String::new();
            self.lines.read_line(&mut line).unwrap();
            line.trim_end().to_owned()
        }

        /// Presses Ctrl-C, and holds that the program ends well and soon.
        fn interrupt(mut self) {
            let started = Instant::now();
            assert!(
                Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap().success()
            );
            let code = self.child.wait().unwrap();
            let mut errors = String::new();
            self.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
            assert_eq!((code.code(), errors.as_str()), (Some(0), ""));
            assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
        }
    }

    /// Host and path of an address.
    fn parts(address: &str) -> (&str, &str) {
        let rest = address.strip_prefix("http://").unwrap_or_else(|| panic!("{address}"));
        rest.split_at(rest.find('/').unwrap())
    }

    fn get(address: &str) -> (u16, String) {
        let (host, path) = parts(address);
        let mut stream = TcpStream::connect(host).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    #[test]
    fn the_page_is_at_the_printed_address_until_it_is_interrupted() {
        let place = Place::new();
        let started = Instant::now();
        let mut running = Running::start(&place, "explore --port 0 --no-open");
        let line = running.line();
        let address = line.strip_prefix("The explorer is at ").unwrap_or_else(|| panic!("{line}"));
        assert_eq!(running.line(), "Ctrl-C ends it");
        let (status, page) = get(address);
        assert!(status == 200 && page.contains("<html"), "{status} {page}");
        assert!(started.elapsed() < Duration::from_secs(1), "usable after {:?}", started.elapsed());
        let (host, path) = parts(address);
        assert!(host.starts_with("127.0.0.1:") && path.len() == 34, "{address}");
        assert_eq!(get(&format!("http://{host}/")).0, 403, "without the token");
        let view: Value = serde_json::from_str(&get(&format!("{address}api/revisions/1")).1).unwrap();
        assert_eq!(view["label"], "example 3-4-2");

        // The port is taken: who asks for it is told, who does not gets another.
        let port = host.split_once(':').unwrap().1;
        place.refused(&format!("explore --port {port} --no-open"), &[port, "is taken", "or 0 for any"]);
        running.interrupt();
        assert!(TcpStream::connect(host).is_err(), "nobody listens any more");
    }

    #[test]
    fn a_model_is_explored_on_rows_of_its_data() {
        let place = trained();
        let mut running =
            Running::start(&place, "explore model.safetensors table.csv --rows 3..7 --port 0 --json");
        let mut text = String::new();
        while !text.ends_with('}') {
            text += &running.line();
        }
        let printed: Value = serde_json::from_str(&text).unwrap();
        let address = printed["address"].as_str().unwrap();
        assert!(address.contains(&format!(":{}/", printed["port"])), "{printed}");
        let view: Value = serde_json::from_str(&get(&format!("{address}api/revisions/1")).1).unwrap();
        assert_eq!(view["widths"], serde_json::json!([6, 6, 5, 2]));
        assert_eq!(view["output_names"], serde_json::json!(["tall", "wide"]));
        assert_eq!(view["input_names"][2], "color=blue");
        assert_eq!(
            (&view["first_row"], &view["samples"], &view["available_rows"]),
            (&3.into(), &4.into(), &60.into())
        );
        // The numbers are those of `chainrule trace`.
        let trace = place.json("trace model.safetensors table.csv --rows 3..7 --json");
        for event in trace["trace"]["events"].as_array().unwrap() {
            for output in event["outputs"].as_array().unwrap() {
                let values = view["values"].as_array().unwrap();
                let shown = values.iter().find(|value| value["name"] == output["name"]).unwrap();
                let flat = output["values"].as_array().unwrap();
                assert_eq!(shown["values"].as_array().unwrap(), flat, "{}", output["name"]);
            }
        }
        running.interrupt();
    }

    #[test]
    fn images_are_explored_as_images_and_one_output_has_the_second_class() {
        let place = Place::with(&[("table.csv", &crate::place::small_table(60))]);
        place.good("train digits --layers 8 --dropout 0.3 --epochs 1 -o digits.safetensors");
        let mut running = Running::start(&place, "explore digits.safetensors digits --port 0 --no-open");
        let line = running.line();
        let address = line.strip_prefix("The explorer is at ").unwrap();
        let view: Value = serde_json::from_str(&get(&format!("{address}api/revisions/1")).1).unwrap();
        assert_eq!(view["image"], serde_json::json!({ "height": 8, "width": 8 }));
        assert_eq!((&view["available_rows"], &view["samples"]), (&1797.into(), &8.into()));
        assert_eq!(view["widths"], serde_json::json!([64, 8, 10]), "dropout is no layer of its own");
        running.interrupt();
    }
}

#[test]
fn the_step_is_written_as_a_film_that_plays_by_itself() {
    let place = trained();
    let said = place.good("explore --film pass.svg");
    assert!(said.contains("pass.svg: 29 seconds"), "{said}");
    let film = place.text("pass.svg");
    assert!(
        film.starts_with("<svg ") && film.ends_with("</svg>\n") && film.contains("prefers-reduced-motion")
    );
    assert!(film.len() < 400_000, "{}", film.len());
    // README's picture is what the program writes.
    assert!(film == include_str!("../../../../docs/pass.svg"), "chainrule explore --film docs/pass.svg");
    // The same trace gives the same film.
    place.good("explore --film again.svg");
    assert!(film == place.text("again.svg"));
    let told = place
        .json("explore model.safetensors table.csv --rows 3..7 --film model.svg --film-kind lesson --json");
    assert!(told["seconds"].as_f64().unwrap() > 60.0, "{told}");
    assert_eq!(told["bytes"], place.text("model.svg").len());
    assert!(place.text("model.svg").contains("sample 1 of 4"));

    place.refused("explore --film pass.png", &["pass.png", "ends with .svg"]);
    place.refused("explore --film nowhere/pass.svg", &["nowhere"]);
    place.refused("explore --film pass.svg --port 0", &["--film", "--port"]);
    place.refused("explore --film-kind lesson", &["--film"]);
}

#[test]
fn what_cannot_be_explored_is_refused() {
    let place = trained();
    place.refused("explore model.safetensors", &["model.safetensors", "give the data too"]);
    place.refused("explore model.safetensors table.csv --rows 0..1000", &["table.csv", "there are 60"]);
    place.refused("explore model.safetensors table.csv --rows 0..0", &["has no rows"]);
    place.refused("explore --rows 0..4", &["<MODEL>"]);
    place.refused("explore nothing.safetensors table.csv", &["nothing.safetensors"]);
    place.refused("explore --port 65536", &["65536"]);

    let place = Place::with(&[("table.csv", &crate::place::small_table(300))]);
    place.good("train table.csv --layers 4097 --epochs 1 -o wide.safetensors");
    place.refused(
        "explore wide.safetensors table.csv",
        &["wide.safetensors", "4097 is more than the limit of 4096"],
    );
    place.good("train table.csv --layers 3 --epochs 1 -o small.safetensors");
    place
        .refused("explore small.safetensors table.csv --rows 0..257", &["257 is more than the limit of 256"]);
}

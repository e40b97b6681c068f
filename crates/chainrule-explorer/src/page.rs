//! The page's files, built by `web` and carried in the program.

/// A file of the page.
pub(crate) struct File {
    /// The name under the page's address; the page itself has none.
    pub(crate) name: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) bytes: &'static [u8],
}

/// Everything that the page loads.
pub(crate) const FILES: [File; 6] = [
    File {
        name: "",
        content_type: "text/html; charset=utf-8",
        bytes: include_bytes!("../web/dist/index.html"),
    },
    File {
        name: "explorer.js",
        content_type: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../web/dist/explorer.js"),
    },
    File {
        name: "explorer.css",
        content_type: "text/css; charset=utf-8",
        bytes: include_bytes!("../web/dist/explorer.css"),
    },
    // The worker that makes videos, which is loaded when the first is made.
    File {
        name: "late.js",
        content_type: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../web/dist/late.js"),
    },
    File {
        name: "film.js",
        content_type: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../web/dist/film.js"),
    },
    File { name: "icon.svg", content_type: "image/svg+xml", bytes: include_bytes!("../web/dist/icon.svg") },
];

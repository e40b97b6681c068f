//! From a file to the bytes of its text: compression and encoding.

use crate::error::{DataError, Result};
use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use flate2::read::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Error, ErrorKind, Read};
use std::path::Path;

const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];
const ZSTD_MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// Bytes that are looked at to tell what a file is.
const LOOK: usize = 1024;

/// A stream of bytes that another thread may read.
pub(crate) type Bytes = Box<dyn Read + Send>;

/// A file, opened.
pub(crate) struct Source {
    /// What the file holds, decompressed.
    pub(crate) bytes: Bytes,
    /// How many bytes there are, where that is known beforehand.
    pub(crate) length: Option<u64>,
}

/// Opens a file, through gzip or zstd where it starts like them.
pub(crate) fn open(path: &Path) -> std::io::Result<Source> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    let mut start = Vec::new();
    (&mut file).take(ZSTD_MAGIC.len() as u64).read_to_end(&mut start)?;
    let (is_gzip, is_zstd) = (start.starts_with(GZIP_MAGIC), start == ZSTD_MAGIC);
    let whole = Cursor::new(start).chain(file);
    Ok(if is_gzip {
        Source { bytes: Box::new(MultiGzDecoder::new(BufReader::new(whole))), length: None }
    } else if is_zstd {
        Source { bytes: Box::new(ZstdFrames { input: BufReader::new(whole), frame: None }), length: None }
    } else {
        Source { bytes: Box::new(whole), length: metadata.is_file().then_some(metadata.len()) }
    })
}

/// The frames of a zstd file, one after the other.
struct ZstdFrames<R: Read> {
    input: R,
    /// The decoder of the frame that is being read.
    frame: Option<Box<FrameDecoder>>,
}

impl<R: BufRead> ZstdFrames<R> {
    /// Begins the next frame, over those that are to be skipped. `false` at the end.
    fn begin(&mut self) -> std::io::Result<bool> {
        loop {
            if self.input.fill_buf()?.is_empty() {
                return Ok(false);
            }
            let mut decoder = Box::new(FrameDecoder::new());
            match decoder.init(&mut self.input) {
                Ok(()) => {
                    self.frame = Some(decoder);
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    std::io::copy(&mut (&mut self.input).take(u64::from(length)), &mut std::io::sink())?;
                }
                Err(error) => return Err(damaged(error)),
            }
        }
    }
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while !buffer.is_empty() {
            let Some(frame) = &mut self.frame else {
                if self.begin()? {
                    continue;
                }
                break;
            };
            while frame.can_collect() == 0 && !frame.is_finished() {
                frame
                    .decode_blocks(&mut self.input, BlockDecodingStrategy::UptoBlocks(1))
                    .map_err(damaged)?;
            }
            let count = frame.read(buffer)?;
            if count > 0 {
                return Ok(count);
            }
            let written = frame.get_checksum_from_data();
            if written.is_some() && written != frame.get_calculated_checksum() {
                return Err(Error::new(ErrorKind::InvalidData, "the checksum of a zstd frame is wrong"));
            }
            self.frame = None;
        }
        Ok(0)
    }
}

fn damaged(error: FrameDecoderError) -> Error {
    Error::new(ErrorKind::InvalidData, error.to_string())
}

/// The text of a source as UTF-8 without a byte order mark, and its first bytes; where it is UTF-8 already, it is not
/// looked at further. `label` names an encoding.
pub(crate) fn as_utf8(file: &str, source: Source, label: Option<&str>) -> Result<Source> {
    let Source { mut bytes, length } = source;
    let mut start = Vec::new();
    let io = |error| crate::error::io(file, error);
    (&mut bytes).take(LOOK as u64).read_to_end(&mut start).map_err(io)?;
    refuse_others(file, &start)?;
    let given = label.map(encoding_of).transpose()?;
    // A byte order mark says more than a name: `utf-16` names two encodings.
    let (encoding, mark) = match (Encoding::for_bom(&start), given) {
        (Some((encoding, length)), _) => (encoding, length),
        (None, Some(given)) => (given, 0),
        (None, None) => (guess(&start), 0),
    };
    let start = start.split_off(mark);
    let whole: Bytes = Box::new(Cursor::new(start).chain(bytes));
    Ok(match encoding == UTF_8 {
        true => Source { bytes: whole, length },
        false => {
            let decoder = encoding.new_decoder_without_bom_handling();
            Source { bytes: Box::new(Decoded::new(file, encoding, decoder, whole)), length: None }
        }
    })
}

fn encoding_of(label: &str) -> Result<&'static Encoding> {
    // The names that people use for it, which the standard does not know.
    let label = label.trim();
    let known = match label.to_lowercase().replace(['-', '_', ' '], "").as_str() {
        "latin1" | "iso88591" => Some(WINDOWS_1252),
        "utf16" | "utf16le" => Some(UTF_16LE),
        "utf16be" => Some(UTF_16BE),
        _ => Encoding::for_label(label.as_bytes()),
    };
    known.filter(|encoding| *encoding != encoding_rs::REPLACEMENT).ok_or_else(|| DataError::Option {
        option: "encoding",
        value: label.to_owned(),
        expected: "utf-8, utf-16, latin1, windows-1252, or another name of the WHATWG's Encoding Standard",
    })
}

/// UTF-16 without a byte order mark shows in the zeros of its western letters.
fn guess(start: &[u8]) -> &'static Encoding {
    let zeros = |offset: usize| start.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let most = start.len() / 2;
    match (zeros(0), zeros(1)) {
        (0, odd) if odd > 0 && 4 * odd > 3 * most => UTF_16LE,
        (even, 0) if even > 0 && 4 * even > 3 * most => UTF_16BE,
        _ => UTF_8,
    }
}

/// Files of other kinds that people take for CSV.
fn refuse_others(file: &str, start: &[u8]) -> Result<()> {
    let kinds: [(&[u8], &str); 7] = [
        (b"PK\x03\x04", "a ZIP archive or an Excel workbook"),
        (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
        (b"PAR1", "a Parquet file"),
        (b"ARROW1", "an Arrow file"),
        (b"%PDF", "a PDF file"),
        (b"\x89PNG", "a picture"),
        (b"\xff\xd8\xff", "a picture"),
    ];
    match kinds.into_iter().find(|(magic, _)| start.starts_with(magic)) {
        Some((_, kind)) => Err(DataError::OtherFormat { file: file.to_owned(), kind }),
        None => Ok(()),
    }
}

/// Bytes of another encoding as UTF-8.
struct Decoded {
    file: String,
    encoding: &'static Encoding,
    decoder: Decoder,
    bytes: Bytes,
    input: Vec<u8>,
    output: Vec<u8>,
    given: usize,
    is_over: bool,
}

impl Decoded {
    fn new(file: &str, encoding: &'static Encoding, decoder: Decoder, bytes: Bytes) -> Self {
        let (input, output) = (Vec::new(), Vec::new());
        Self { file: file.to_owned(), encoding, decoder, bytes, input, output, given: 0, is_over: false }
    }

    fn refill(&mut self) -> std::io::Result<()> {
        const PART: usize = 1 << 18;
        self.input.clear();
        let count = (&mut self.bytes).take(PART as u64).read_to_end(&mut self.input)?;
        self.is_over = count == 0;
        let most = self.decoder.max_utf8_buffer_length(count).unwrap_or(3 * count + 16);
        self.output.resize(most, 0);
        self.given = 0;
        let (result, _, written, had_errors) =
            self.decoder.decode_to_utf8(&self.input, &mut self.output, self.is_over);
        debug_assert_eq!(result, CoderResult::InputEmpty);
        self.output.truncate(written);
        match had_errors {
            false => Ok(()),
            true => Err(Error::new(
                ErrorKind::InvalidData,
                format!("{} is not text in {}; give another --encoding", self.file, self.encoding.name()),
            )),
        }
    }
}

impl Read for Decoded {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.given == self.output.len() && !self.is_over {
            self.refill()?;
        }
        let count = buffer.len().min(self.output.len() - self.given);
        buffer[..count].copy_from_slice(&self.output[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

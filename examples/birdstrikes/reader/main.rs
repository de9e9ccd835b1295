//! reader: reads a CSV file in chunks and hands its rows to `parse`, one numbered batch after the other.
//!
//!     reader [--batch ROWS] [--pace-ms MS] [--give-up-ms MS] FILE
//!
//! Each batch is asked, not told: the next one goes out when `parse` has answered, so nothing piles up, however slow
//! the rest is. When the answer is that somebody is too busy, or when no answer comes, the same batch goes out again
//! after a pause. A batch may so arrive twice; its number lets the receivers tell.
//!
//! A batch is a number (u32, least significant byte first), then CSV: the header line and some rows. It stands for
//! itself, so `parse` needs no memory of what came before. After the last batch comes `end`: how many batches and how
//! many rows there were (two u32).

#[path = "../../guest-kit/rust/troupe.rs"]
mod troupe;

use std::fs::File;
use std::io::Read;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const PARSER: &str = "parse";
/// What is read at once. The file is never in memory as a whole.
const CHUNK_BYTES: usize = 32 * 1024;
/// A row longer than this is not CSV but a missing quote.
const ROW_BYTES_MAX: usize = 1024 * 1024;
const ASK_TIMEOUT_MS: u32 = 2_000;
const PAUSE_MIN: Duration = Duration::from_millis(2);
const PAUSE_MAX: Duration = Duration::from_millis(250);

struct Options {
    batch_rows: usize,
    pace: Duration,
    give_up: Duration,
    file: String,
}

impl Options {
    fn parse(args: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut options = Options {
            batch_rows: 64,
            pace: Duration::from_millis(0),
            give_up: Duration::from_millis(10_000),
            file: String::new(),
        };
        let mut args = args;
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--batch" => options.batch_rows = number(&arg, args.next())?.max(1) as usize,
                "--pace-ms" => options.pace = Duration::from_millis(number(&arg, args.next())?),
                "--give-up-ms" => options.give_up = Duration::from_millis(number(&arg, args.next())?),
                _ if options.file.is_empty() && !arg.starts_with('-') => options.file = arg,
                _ => return Err(format!("unknown argument \"{arg}\"")),
            }
        }
        if options.file.is_empty() {
            return Err("usage: reader [--batch ROWS] [--pace-ms MS] [--give-up-ms MS] FILE".to_string());
        }
        Ok(options)
    }
}

fn number(flag: &str, value: Option<String>) -> Result<u64, String> {
    let value = value.ok_or_else(|| format!("{flag} needs a number"))?;
    value.parse().map_err(|_| format!("{flag} needs a number, found \"{value}\""))
}

/// Cuts a stream of bytes into rows. A line break within quotes belongs to the row.
struct Rows<R> {
    input: R,
    buffer: Vec<u8>,
    /// Where the next row begins, how far it has been looked at, and whether that place is within quotes.
    start: usize,
    seen: usize,
    quoted: bool,
    at_end: bool,
}

impl<R: Read> Rows<R> {
    fn new(input: R) -> Rows<R> {
        Rows { input, buffer: Vec::new(), start: 0, seen: 0, quoted: false, at_end: false }
    }

    /// The next row with its line break; an empty one at the end.
    fn next(&mut self) -> Result<&[u8], String> {
        loop {
            while self.seen < self.buffer.len() {
                let byte = self.buffer[self.seen];
                self.seen += 1;
                if byte == b'"' {
                    self.quoted = !self.quoted;
                } else if byte == b'\n' && !self.quoted {
                    return Ok(self.take());
                }
            }
            if self.at_end {
                return Ok(self.take());
            }
            self.fill()?;
        }
    }

    fn take(&mut self) -> &[u8] {
        let row = &self.buffer[self.start..self.seen];
        self.start = self.seen;
        row
    }

    fn fill(&mut self) -> Result<(), String> {
        self.buffer.drain(..self.start);
        self.seen -= self.start;
        self.start = 0;
        let kept = self.buffer.len();
        if kept > ROW_BYTES_MAX {
            return Err(format!("a row is longer than {ROW_BYTES_MAX} bytes"));
        }
        self.buffer.resize(kept + CHUNK_BYTES, 0);
        let read = self.input.read(&mut self.buffer[kept..]).map_err(|error| error.to_string())?;
        self.buffer.truncate(kept + read);
        self.at_end = read == 0;
        Ok(())
    }
}

fn may_pass(kind: troupe::Kind) -> bool {
    use troupe::Kind::{Overload, Timeout, Unavailable};
    matches!(kind, Overload | Timeout | Unavailable)
}

/// Asks `parse` until it has taken the message or the time for one message is over.
fn deliver(op: &str, payload: &[u8], give_up: Duration) -> Result<(), String> {
    let began = Instant::now();
    let mut pause = PAUSE_MIN;
    loop {
        match troupe::ask(PARSER, op, payload, ASK_TIMEOUT_MS) {
            Ok(_) => return Ok(()),
            Err(failure) if may_pass(failure.kind) && began.elapsed() < give_up => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(PAUSE_MAX);
            }
            Err(failure) => return Err(format!("\"{PARSER}\" did not take \"{op}\": {failure}")),
        }
    }
}

fn run(options: &Options) -> Result<(u32, u32), String> {
    let file = File::open(&options.file).map_err(|error| format!("{}: {error}", options.file))?;
    let mut rows = Rows::new(file);
    let header = rows.next()?.to_vec();
    let (mut batches, mut count) = (0u32, 0u32);
    let mut payload = Vec::new();
    loop {
        payload.clear();
        payload.extend_from_slice(&batches.to_le_bytes());
        payload.extend_from_slice(&header);
        let mut in_batch = 0;
        while in_batch < options.batch_rows {
            let row = rows.next()?;
            if row.is_empty() {
                break;
            }
            if row.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
                continue;
            }
            payload.extend_from_slice(row);
            in_batch += 1;
        }
        if in_batch == 0 {
            break;
        }
        deliver("rows", &payload, options.give_up)?;
        batches += 1;
        count += in_batch as u32;
        if options.pace > Duration::ZERO {
            std::thread::sleep(options.pace);
        }
    }
    let totals = [batches.to_le_bytes(), count.to_le_bytes()].concat();
    deliver("end", &totals, options.give_up)?;
    Ok((batches, count))
}

fn main() -> ExitCode {
    troupe::begin();
    let done = Options::parse(std::env::args().skip(1)).and_then(|options| run(&options));
    match done {
        Ok((batches, rows)) => {
            println!("reader: {rows} rows in {batches} batches");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("reader: {reason}");
            ExitCode::FAILURE
        }
    }
}

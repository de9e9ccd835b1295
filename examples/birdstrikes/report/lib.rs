//! report: asks the tallies and shows what they know.
//!
//! | operation | what it answers                                                                        |
//! | --------- | -------------------------------------------------------------------------------------- |
//! | `view`    | a page of text with bars, for people; also while the figures are still growing         |
//! | `result`  | JSON, for programs: `{"complete":…,"rows":…,"rejected":…,"cost":…,"species":[…],"phases":[…]}` |
//!
//! Both take as payload how many species to show, in decimal (empty: 10). The figures are the tallies' own; nothing is
//! kept here. `complete` is true when both tallies have counted every batch that the reader sent.

#[path = "../../guest-kit/rust/troupe.rs"]
mod troupe;

use troupe::{Answer, Failure, Kind, Message};

const SPECIES: &str = "by-species";
const PHASES: &str = "by-phase";
const SHOWN_DEFAULT: usize = 10;
/// More than any column has different values of.
const ALL: usize = 1_000_000;
const ASK_TIMEOUT_MS: u32 = 1_000;
const NAME_COLUMNS: usize = 24;
const BAR_COLUMNS: usize = 24;

/// The answer of a tally to `top`.
struct Tally {
    batches: u32,
    batches_expected: Option<u32>,
    rows: u32,
    rows_expected: Option<u32>,
    rejected: u32,
    cost: u64,
    entries: Vec<Entry>,
}

struct Entry {
    name: String,
    records: u32,
    cost: u64,
}

impl Tally {
    fn ask(name: &str, limit: usize) -> Result<Tally, Failure> {
        let answer = troupe::ask(name, "top", limit.to_string().as_bytes(), ASK_TIMEOUT_MS)?;
        let text = String::from_utf8_lossy(&answer);
        Tally::parse(&text).ok_or_else(|| Failure::new(Kind::Internal, "BAD_ANSWER", format!("\"{name}\" gave no tally")))
    }

    fn parse(text: &str) -> Option<Tally> {
        let mut lines = text.lines();
        let mut sums = lines.next()?.split('\t');
        let mut tally = Tally {
            batches: sums.next()?.parse().ok()?,
            batches_expected: sums.next()?.parse().ok(),
            rows: sums.next()?.parse().ok()?,
            rows_expected: sums.next()?.parse().ok(),
            rejected: sums.next()?.parse().ok()?,
            cost: sums.next()?.parse().ok()?,
            entries: Vec::new(),
        };
        for line in lines {
            let mut fields = line.split('\t');
            tally.entries.push(Entry {
                name: fields.next()?.to_string(),
                records: fields.next()?.parse().ok()?,
                cost: fields.next()?.parse().ok()?,
            });
        }
        Some(tally)
    }

    fn complete(&self) -> bool {
        self.batches_expected == Some(self.batches) && self.rows_expected == Some(self.rows)
    }
}

// ---- Text ----------------------------------------------------------------------------------------------------------

/// 1234567 → "1,234,567".
fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A bar of eighths of a column, so that small differences show.
fn bar(value: u64, largest: u64) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = if largest == 0 { 0 } else { (value as u128 * BAR_COLUMNS as u128 * 8 / largest as u128) as usize };
    format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8])
}

fn cut(name: &str) -> String {
    if name.chars().count() <= NAME_COLUMNS {
        return name.to_string();
    }
    name.chars().take(NAME_COLUMNS - 1).chain(std::iter::once('…')).collect()
}

fn table(title: &str, entries: &[Entry], measure: impl Fn(&Entry) -> u64) -> String {
    let largest = entries.iter().map(&measure).max().unwrap_or(0);
    let width = NAME_COLUMNS + 2 + BAR_COLUMNS;
    let mut text = format!("{title:<width$} {:>8} {:>14}\n", "strikes", "cost");
    for entry in entries {
        let cost = format!("${}", grouped(entry.cost));
        text += &format!(
            "{:<names$}  {:<bars$} {:>8} {:>14}\n",
            cut(&entry.name),
            bar(measure(entry), largest),
            grouped(entry.records as u64),
            cost,
            names = NAME_COLUMNS,
            bars = BAR_COLUMNS,
        );
    }
    text
}

fn progress(tally: &Tally) -> String {
    let rows = grouped(tally.rows as u64);
    match tally.rows_expected {
        Some(expected) if tally.complete() => format!("all {} reports counted", grouped(expected as u64)),
        Some(expected) => format!("{rows} of {} reports counted", grouped(expected as u64)),
        None => format!("{rows} reports counted so far"),
    }
}

fn view(shown: usize) -> String {
    let mut text = String::from("Birds that aircraft struck in the United States, 1990–2002\n");
    match Tally::ask(SPECIES, shown) {
        Ok(tally) => {
            text += &format!("{}, {} not readable, cost ${}\n\n", progress(&tally), tally.rejected, grouped(tally.cost));
            text += &table("Species, by cost", &tally.entries, |entry| entry.cost);
        }
        Err(failure) => text += &format!("\n{SPECIES}: {failure}\n"),
    }
    match Tally::ask(PHASES, ALL) {
        Ok(mut tally) => {
            tally.entries.sort_by(|a, b| b.records.cmp(&a.records).then_with(|| a.name.cmp(&b.name)));
            text += &format!("\n{}", table("Phase of flight, by strikes", &tally.entries, |entry| entry.records as u64));
        }
        Err(failure) => text += &format!("\n{PHASES}: {failure}\n"),
    }
    text
}

// ---- JSON ----------------------------------------------------------------------------------------------------------

fn quoted(text: &str) -> String {
    let mut json = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                json.push('\\');
                json.push(character);
            }
            control if (control as u32) < 0x20 => json += &format!("\\u{:04x}", control as u32),
            other => json.push(other),
        }
    }
    json.push('"');
    json
}

fn list(entries: &[Entry]) -> String {
    let objects: Vec<String> = entries
        .iter()
        .map(|entry| format!("{{\"name\":{},\"strikes\":{},\"cost\":{}}}", quoted(&entry.name), entry.records, entry.cost))
        .collect();
    format!("[{}]", objects.join(","))
}

fn result(shown: usize) -> Result<String, Failure> {
    let species = Tally::ask(SPECIES, shown)?;
    let phases = Tally::ask(PHASES, ALL)?;
    let complete = species.complete() && phases.complete() && species.cost == phases.cost;
    Ok(format!(
        "{{\"complete\":{complete},\"rows\":{},\"rejected\":{},\"cost\":{},\"species\":{},\"phases\":{}}}",
        species.rows,
        species.rejected,
        species.cost,
        list(&species.entries),
        list(&phases.entries),
    ))
}

fn handle(message: &Message) -> Answer {
    let payload = String::from_utf8_lossy(message.payload);
    let shown = match payload.trim() {
        "" => SHOWN_DEFAULT,
        text => text
            .parse()
            .map_err(|_| Failure::new(Kind::Invalid, "BAD_PAYLOAD", "Give the number of species to show"))?,
    };
    match message.subject {
        "view" => Ok(Some(view(shown).into_bytes())),
        "result" => Ok(Some(result(shown)?.into_bytes())),
        _ => Err(Failure::unknown_operation(message)),
    }
}

troupe::actor!(handle);

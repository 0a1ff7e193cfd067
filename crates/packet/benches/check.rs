//! What a check costs: a batch of 50 KB of `DongBoHoSoMC`, read and checked, beside the crate
//! `jsonschema` with a schema that asks the same. `cargo bench -p packet` prints CPU time, p99 and
//! the ratio, and ends with 1 when a bound does not hold.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, reason = "a program for people")]

use std::hint::black_box;
use std::time::Duration;

use jiff::civil::date;
use packet::sample::{self, Extent};
use packet::{Document, Field, Form, Level, Mode, Required, Side, Tables, Verdict};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value, json};

/// Bytes of the batch at the least.
const BYTES: usize = 50 * 1024;
/// Rounds of each measurement, after a tenth of them to warm up.
const ROUNDS: usize = 4_000;
/// Must reach: p99 of reading and checking.
const P99_MAX: Duration = Duration::from_millis(1);

fn main() {
    let tables = Tables::builtin();
    let on = date(2026, 11, 22);
    let body = batch(&tables);
    let schema = schema(&tables);
    let validator = jsonschema::validator_for(&schema).unwrap();

    // Both must accept the batch, and refuse it when one code is wrong, or they are not equal.
    let wrong = String::from_utf8(body.clone()).unwrap().replacen(
        r#""TrangThaiHoSo":"2""#,
        r#""TrangThaiHoSo":"12""#,
        1,
    );
    for (body, good) in [(body.as_slice(), true), (wrong.as_bytes(), false)] {
        let document = Document::read(body, None).unwrap();
        let report = packet::check(&tables, "DongBoHoSoMC", Side::Request, &document, on);
        assert_eq!(report.verdict(Mode::Strict) != Verdict::Refused, good, "{report:#?}");
        let value: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(validator.is_valid(&value), good);
    }

    let read = measure("packet: read", || {
        black_box(Document::read(black_box(&body), None).unwrap());
    });
    let ours = measure("packet: read + check", || {
        let document = Document::read(black_box(&body), None).unwrap();
        let report = packet::check(&tables, "DongBoHoSoMC", Side::Request, &document, on);
        black_box(report.verdict(Mode::Strict));
    });
    let parse = measure("jsonschema: serde_json::from_slice", || {
        black_box(serde_json::from_slice::<Value>(black_box(&body)).unwrap());
    });
    let theirs = measure("jsonschema: from_slice + is_valid", || {
        let value: Value = serde_json::from_slice(black_box(&body)).unwrap();
        black_box(validator.is_valid(&value));
    });
    let check = ours.cpu.saturating_sub(read.cpu);
    let valid = theirs.cpu.saturating_sub(parse.cpu);
    println!("batch: {} bytes", body.len());
    println!("check alone: packet {check:?}, jsonschema {valid:?}");
    let ratio = theirs.cpu.as_secs_f64() / ours.cpu.as_secs_f64();
    println!("read + check: {ratio:.2} times as fast as jsonschema, p99 {:?}", ours.p99);
    if ratio < 1.0 || ours.p99 > P99_MAX {
        println!("a bound does not hold: at least 1.00 times as fast, p99 within {P99_MAX:?}");
        std::process::exit(1);
    }
}

/// CPU time of one round, mean and 99th of a hundred.
struct Cost {
    cpu: Duration,
    p99: Duration,
}

fn measure(name: &str, mut round: impl FnMut()) -> Cost {
    for _ in 0..ROUNDS / 10 {
        round();
    }
    let mut each: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let begin = cpu();
            round();
            cpu().saturating_sub(begin)
        })
        .collect();
    each.sort_unstable();
    let cost = Cost {
        cpu: each.iter().sum::<Duration>() / u32::try_from(ROUNDS).unwrap(),
        p99: each[ROUNDS * 99 / 100],
    };
    println!("{name}: mean {:?}, median {:?}, p99 {:?}", cost.cpu, each[ROUNDS / 2], cost.p99);
    cost
}

/// CPU time of this thread: what others do on the machine does not count.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap(), u32::try_from(time.tv_nsec).unwrap())
}

/// One call with as many different dossiers as make [`BYTES`].
fn batch(tables: &Tables) -> Vec<u8> {
    let table = tables.find("DongBoHoSoMC", date(2026, 11, 22)).unwrap();
    let mut text = sample::request(tables, table, Extent::Standard);
    let at = text.find("\"data\":[").unwrap() + "\"data\":[".len();
    let record = text[at..text.len() - 2].to_owned();
    text.truncate(at);
    for number in 0..=BYTES / record.len() {
        if number > 0 {
            text.push(',');
        }
        let code = format!("000.00.07.H99-240304-{number:05}");
        text.push_str(&record.replacen("000.00.07.H99-240304-00017", &code, 1));
    }
    text.push_str("]}");
    assert!(text.len() >= BYTES);
    text.into_bytes()
}

/// A schema that asks what the table asks, as far as a schema can: days that exist, composed text,
/// names in any case and rules over several fields are ours alone.
fn schema(tables: &Tables) -> Value {
    let table = tables.find("DongBoHoSoMC", date(2026, 11, 22)).unwrap();
    let text = json!({ "type": "string", "minLength": 1 });
    let mut properties = Map::new();
    let mut required = vec![json!("data")];
    for name in ["session", "madonvi", "service"] {
        properties.insert(name.to_owned(), text.clone());
        required.push(json!(name));
    }
    for field in table.parameters.iter() {
        let name = field.name.as_deref().unwrap();
        properties.insert(name.to_owned(), of_field(field));
        required.push(json!(name));
    }
    properties.insert("data".into(), json!({ "type": "array", "items": of_level(&table.fields) }));
    json!({ "type": "object", "properties": properties, "required": required })
}

fn of_level(level: &Level) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in level.iter() {
        let Some(name) = field.name.as_deref() else { continue };
        properties.insert(name.to_owned(), of_field(field));
        if field.required == Required::Yes {
            required.push(json!(name));
        }
    }
    json!({ "type": "object", "properties": properties, "required": required })
}

fn of_field(field: &Field) -> Value {
    if field.form == Form::List {
        let list = json!({ "type": "array", "items": of_level(&field.children) });
        return json!({ "anyOf": [list, { "enum": ["", null] }] });
    }
    let mut asked = Map::from_iter([("type".to_owned(), json!(["string", "number", "null"]))]);
    let may_be_blank = field.required != Required::Yes || field.blank;
    if let Some(length) = field.length {
        asked.insert("maxLength".into(), json!(length));
    }
    let or_blank = |pattern: &str| {
        if may_be_blank { format!("^(\\s*|{pattern})$") } else { format!("^({pattern})$") }
    };
    match field.form {
        Form::Datetime => drop(asked.insert("pattern".into(), json!(or_blank("[0-9]{14}")))),
        Form::Number => {
            drop(asked.insert("pattern".into(), json!(or_blank("-?[0-9]+(\\.[0-9]+)?"))));
        }
        Form::Code if !field.codes_open => {
            let mut codes: Vec<Value> =
                field.codes.iter().map(|code| json!(code.value.as_ref())).collect();
            if may_be_blank {
                codes.extend([json!(""), Value::Null]);
            }
            asked = Map::from_iter([("enum".to_owned(), Value::Array(codes))]);
        }
        Form::File => {
            drop(asked.insert("pattern".into(), json!(or_blank("https?://[^/:?#\\s][^\\s]*"))));
        }
        Form::Text if !may_be_blank => drop(asked.insert("pattern".into(), json!("\\S"))),
        Form::Text | Form::Code | Form::List => {}
    }
    Value::Object(asked)
}

//! The contract of a factor's answers: one spelling, and nothing that the factor does not know.

use serde_json::{Map, Value, json};

use crate::factor::erased::{ErasedEnrol, ErasedFactor};
use crate::factor::{Enrol, Factor};

/// Fails unless the factor takes answers in one form only. `right` is an answer of that form, a JSON object, such as
/// `{"password": "x"}`; what stands in it need not be the right secret. Refused must be: unknown and repeated fields,
/// fields of another type, an array in place of the object, anything cut off or appended, deep nesting, lone
/// surrogates, bytes that are no UTF-8.
///
/// # Panics
/// When one of them is taken, or `right` is not.
pub fn strict_answers<F: Factor>(factor: &F, right: &str) {
    strict(right, &|bytes| ErasedFactor::well_formed(factor, bytes));
}

/// The same for what its enrolment is confirmed with.
///
/// # Panics
/// As [`strict_answers`].
pub fn strict_confirmations<F: Enrol>(factor: &F, right: &str) {
    strict(right, &|bytes| ErasedEnrol::well_formed(factor, bytes));
}

fn strict(right: &str, takes: &dyn Fn(&[u8]) -> bool) {
    assert!(takes(right.as_bytes()), "refused although right: {right}");
    assert!(takes(format!(" {right}\n").as_bytes()), "refused for the blanks around it: {right}");
    let Ok(Value::Object(fields)) = serde_json::from_str(right) else { panic!("not an object: {right}") };
    for bytes in wrong(right, &fields) {
        assert!(!takes(&bytes), "taken: {}", String::from_utf8_lossy(&bytes));
    }
}

fn wrong(right: &str, fields: &Map<String, Value>) -> Vec<Vec<u8>> {
    let inner = right.trim().trim_start_matches('{').trim_end_matches('}');
    let comma = if fields.is_empty() { "" } else { "," };
    let mut all = vec![
        format!("{{{inner}{comma}\"no_such_field\":1}}").into_bytes(),
        format!("{{\"no_such_field\":null{comma}{inner}}}").into_bytes(),
        Value::Array(fields.values().cloned().collect()).to_string().into_bytes(),
        format!("[{right}]").into_bytes(),
        Value::String(right.to_owned()).to_string().into_bytes(),
    ];
    all.extend(["", "null", "true", "0", "\"\"", "[]"].map(|other| other.as_bytes().to_vec()));
    all.extend((0..right.trim_end().len()).map(|end| right.as_bytes()[..end].to_vec()));
    for tail in [right, "x", ",", "}", "\0", "//"] {
        all.push(format!("{right}{tail}").into_bytes());
    }
    for (name, value) in fields {
        let key = Value::String(name.clone());
        all.push(format!("{{{inner},{key}:{value}}}").into_bytes());
        let with = |other: &str| {
            let mut text = String::from("{");
            for (field, value) in fields {
                let value = if field == name { other.to_owned() } else { value.to_string() };
                text.push_str(&format!("{}:{value},", Value::String(field.clone())));
            }
            text.pop();
            text.push('}');
            text
        };
        for other in [json!(true), json!(0), json!(-1.5), json!(""), json!(["x"]), json!({ "x": "x" })] {
            if std::mem::discriminant(&other) != std::mem::discriminant(value) {
                all.push(with(&other.to_string()).into_bytes());
            }
        }
        for (open, close) in [("[", "]"), ("{\"x\":", "}")] {
            all.push(with(&[open.repeat(2000), String::from("0"), close.repeat(2000)].concat()).into_bytes());
        }
        if value.is_string() {
            all.push(with("\"\\ud800\"").into_bytes());
            all.push(with("\"a\nb\"").into_bytes());
            let mut bytes = with("\"#\"").into_bytes();
            if let Some(at) = bytes.iter().rposition(|byte| *byte == b'#') {
                bytes[at] = 0xff;
            }
            all.push(bytes);
        }
    }
    all
}

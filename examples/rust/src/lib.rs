//! Counts the words of the input, and how much of the text each one is.
#![no_std]

extern crate alloc;

mod truestep;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;

#[no_mangle]
pub extern "C" fn main() -> i32 {
    match core::str::from_utf8(truestep::input()) {
        Ok(text) => {
            truestep::output(report(text).as_bytes());
            0
        }
        Err(error) => {
            truestep::debug(&format!("the input is not UTF-8: {}\n", error));
            1
        }
    }
}

fn report(text: &str) -> String {
    let mut counts = BTreeMap::new();
    let mut words = 0.0;
    for word in text.split_whitespace() {
        *counts.entry(word).or_insert(0.0) += 1.0;
        words += 1.0;
    }
    let lines = counts.iter().map(|(word, count)| format!("{} {} {:.2} %\n", count, word, 100.0 * count / words));
    lines.collect()
}

//! Ways to damage bytes: what a bad disk, a bad program or a bad person does to a file or a request.

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Pieces that mean something to one of our parsers, mostly in the wrong place.
const PIECES: [&[u8]; 40] = [
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xf0\x9f\x9a",
    "\u{202e}".as_bytes(),
    "\u{0}\u{85}\u{2028}".as_bytes(),
    "退货，".as_bytes(),
    "\u{1f9ff}".as_bytes(),
    b"-1",
    b"0",
    b"NaN",
    b"1e999",
    b"99999999999999999999",
    b"4294967296",
    b"\"",
    b"\"\"",
    b",\r\n",
    b"\t|\n",
    b"| --- | --- |\n",
    b"```",
    b"> > > > * 1. ",
    b"[x](<y \"",
    b"#######",
    b"<table><tr><td rowspan=99999999 colspan=-1>",
    b"</table></table>",
    b"<!--",
    b"<![CDATA[",
    b"<template><svg><style>",
    b"&#x110000;&#0;&amp",
    b"<w:p><w:r><w:t>",
    b"<c r=\"XFD1048576\" t=\"s\"><v>77777</v></c>",
    b"<!DOCTYPE a [<!ENTITY b \"b\">]>&b;",
    b"obj\nendobj\n",
    b"<</Kids[1 0 R]/Count -1>>",
    b"stream\nendstream\n",
    b"/Length 99999999",
    b"BT (x) Tj ET",
    b"PK\x03\x04",
    b"\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"{\"a\":[null,{}]}",
];

/// One way.
#[derive(Debug, Clone)]
pub enum Mutation {
    Flip { at: Index, bits: u8 },
    Insert { at: Index, piece: Index },
    Overwrite { at: Index, piece: Index },
    Cut { from: Index, n_bytes: Index },
    Repeat { from: Index, n_bytes: Index, times: u8 },
    Truncate { at: Index },
    Move { from: Index, n_bytes: Index, to: Index },
}

/// A few of them.
pub fn mutations() -> impl Strategy<Value = Vec<Mutation>> {
    let index = any::<Index>;
    let one = prop_oneof![
        4 => (index(), 1..=255u8).prop_map(|(at, bits)| Mutation::Flip { at, bits }),
        4 => (index(), index()).prop_map(|(at, piece)| Mutation::Insert { at, piece }),
        2 => (index(), index()).prop_map(|(at, piece)| Mutation::Overwrite { at, piece }),
        2 => (index(), index()).prop_map(|(from, n_bytes)| Mutation::Cut { from, n_bytes }),
        1 => (index(), index(), 2..60u8).prop_map(|(from, n_bytes, times)| Mutation::Repeat { from, n_bytes, times }),
        1 => index().prop_map(|at| Mutation::Truncate { at }),
        1 => (index(), index(), index()).prop_map(|(from, n_bytes, to)| Mutation::Move { from, n_bytes, to }),
    ];
    proptest::collection::vec(one, 1..8)
}

/// The longest piece that is cut, moved or repeated.
const MAX_PIECE_BYTES: usize = 400;

/// `bytes`, damaged.
pub fn apply(bytes: &[u8], mutations: &[Mutation]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for mutation in mutations {
        let place = |index: &Index| index.index(out.len() + 1);
        let piece = |index: &Index| PIECES[index.index(PIECES.len())];
        let range = |from: &Index, n_bytes: &Index| {
            let from = place(from);
            from..(from + n_bytes.index(MAX_PIECE_BYTES)).min(out.len())
        };
        match mutation {
            Mutation::Flip { at, bits } => {
                let at = place(at);
                if let Some(byte) = out.get_mut(at) {
                    *byte ^= bits;
                }
            }
            Mutation::Insert { at, piece: which } => {
                let at = place(at);
                out.splice(at..at, piece(which).iter().copied());
            }
            Mutation::Overwrite { at, piece: which } => {
                let (at, piece) = (place(at), piece(which));
                let end = (at + piece.len()).min(out.len());
                out.splice(at..end, piece.iter().copied());
            }
            Mutation::Cut { from, n_bytes } => drop(out.drain(range(from, n_bytes))),
            Mutation::Repeat { from, n_bytes, times } => {
                let range = range(from, n_bytes);
                let many = out[range.clone()].repeat(usize::from(*times));
                out.splice(range.end..range.end, many);
            }
            Mutation::Truncate { at } => out.truncate(place(at)),
            Mutation::Move { from, n_bytes, to } => {
                let moved: Vec<u8> = out.drain(range(from, n_bytes)).collect();
                let to = to.index(out.len() + 1);
                out.splice(to..to, moved);
            }
        }
    }
    out
}

#[expect(clippy::disallowed_methods, reason = "who runs a test chooses how long")]
pub fn setting(name: &str, default: u32) -> u32 {
    std::env::var(name).ok().map_or(default, |value| value.parse().expect("a number"))
}

/// Runs `KEFU_TEST_FUZZ_CASES` cases, or one in so many of them, and says the smallest damage that breaks something.
pub fn fuzz<S: Strategy>(one_in: u32, strategy: S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let cases = setting("KEFU_TEST_FUZZ_CASES", 200).div_ceil(one_in);
    let seed = setting("KEFU_TEST_SEED", 7);
    eprintln!("seed {seed}, {cases} cases; KEFU_TEST_SEED and KEFU_TEST_FUZZ_CASES change them");
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    if let Err(found) = TestRunner::new_with_rng(config, rng).run(&strategy, test) {
        panic!("{found}");
    }
}

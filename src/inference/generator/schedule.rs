//! Who gets how many rows of the next step. Pure: the engine thread asks and reports, nothing here waits or computes.
//!
//! # Why
//! A step walks once through all weights, so everything that decodes goes together, and the rest of the step reads
//! prompts. A step lasts a quarter of a second at most: that is how long a new request waits for its turn and a
//! canceled one keeps its place. Interactive work goes first: bulk work stands still while a person waits. Shops take
//! turns by the rows they were given, so a busy shop delays itself; within a shop, first come is first served.

use std::collections::HashMap;

use crate::inference::{Asker, Lane};

/// How long a step should take at most.
const STEP_MS: f32 = 250.0;
/// Rows a step has whatever was measured: with fewer, the weights are read more often than they are worth; with more,
/// nothing is gained.
const STEP_ROWS: std::ops::RangeInclusive<usize> = 16..=256;
/// What a row is thought to cost before one was measured.
const FIRST_ROW_MS: f32 = 8.0;
/// Steps with fewer rows say nothing about the price of a row: they pay for reading the weights.
const TELLING_ROWS: usize = 16;
/// A shop may be ahead of another by so many rows before the other goes first. Without some lead, two long prompts
/// would take turns and both end late.
const LEAD_ROWS: u64 = 512;
/// Guessing ahead pays as long as the rows of a step are fewer than what the kernels do for the price of one.
const MAX_GUESSING: usize = 2;

/// What is to be done for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// So many tokens of the prompt are not read yet.
    Prompt(usize),
    /// A token, and so many guesses after it to be checked.
    Token {
        /// How many.
        guesses: usize,
    },
}

/// A request at work.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Names it.
    pub id: u64,
    /// Who waits.
    pub asker: Asker,
    /// What comes next.
    pub need: Need,
}

/// What a request gets of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Whose.
    pub id: u64,
    /// Rows; for a token, one and its guesses.
    pub rows: usize,
}

/// Remembers what shops were given and what rows cost.
pub struct Scheduler {
    max_active: usize,
    given: HashMap<Asker, u64>,
    row_ms: f32,
}

impl Scheduler {
    /// At most `max_active` requests of a lane work at a time.
    pub fn new(max_active: usize) -> Self {
        Self { max_active: max_active.max(1), given: HashMap::new(), row_ms: FIRST_ROW_MS }
    }

    /// Whether another request of this lane may start beside `active`.
    pub fn may_start(&self, lane: Lane, active: &[Entry]) -> bool {
        let of = |lane| active.iter().filter(|entry| entry.asker.lane == lane).count();
        match lane {
            Lane::Interactive => of(lane) < self.max_active,
            // It would only hold memory.
            Lane::Bulk => of(lane) < self.max_active && of(Lane::Interactive) == 0,
        }
    }

    /// The smaller, the sooner a waiting request of this shop should start.
    pub fn turn(&self, asker: Asker) -> u64 {
        self.given.get(&asker.of_shop()).copied().unwrap_or(0) / LEAD_ROWS
    }

    /// A request starts. A shop that was away has saved nothing up.
    pub fn start(&mut self, asker: Asker, active: &[Entry]) {
        let busy = |entry: &Entry| self.given.get(&entry.asker.of_shop()).copied();
        let least = active.iter().filter(|entry| entry.asker.lane == asker.lane).filter_map(busy).min();
        if active.is_empty() {
            self.given.clear();
        }
        let is_away = !active.iter().any(|entry| entry.asker.of_shop() == asker.of_shop());
        let given = self.given.entry(asker.of_shop()).or_insert(0);
        if is_away {
            *given = (*given).max(least.unwrap_or(0));
        }
    }

    /// Divides the next step. `active` is in the order in which requests started.
    ///
    /// **Order**: that of `active`. Nothing comes only when nothing is active.
    pub fn divide(&mut self, active: &[Entry]) -> Vec<Share> {
        let lane = if active.iter().any(|entry| entry.asker.lane == Lane::Interactive) {
            Lane::Interactive
        } else {
            Lane::Bulk
        };
        let ours: Vec<&Entry> = active.iter().filter(|entry| entry.asker.lane == lane).collect();
        let may_guess = ours.len() <= MAX_GUESSING;
        let mut rows: HashMap<u64, usize> = HashMap::new();
        let mut left = self.step_rows();
        for entry in &ours {
            if let Need::Token { guesses } = entry.need {
                let n = 1 + if may_guess { guesses } else { 0 };
                rows.insert(entry.id, n);
                left = left.saturating_sub(n);
            }
        }
        // However many decode, prompts go on.
        left = left.max(*STEP_ROWS.start());
        let mut prompts: Vec<&&Entry> = ours.iter().filter(|entry| matches!(entry.need, Need::Prompt(_))).collect();
        prompts.sort_by_key(|entry| self.turn(entry.asker));
        for entry in prompts {
            if let Need::Prompt(n) = entry.need {
                let n = n.min(left);
                left -= n;
                if n > 0 {
                    rows.insert(entry.id, n);
                }
            }
        }
        for entry in &ours {
            let n = rows.get(&entry.id).copied().unwrap_or(0);
            *self.given.entry(entry.asker.of_shop()).or_insert(0) += n as u64;
        }
        ours.iter().filter_map(|entry| rows.get(&entry.id).map(|rows| Share { id: entry.id, rows: *rows })).collect()
    }

    /// A step of so many rows took so long.
    pub fn observe(&mut self, rows: usize, ms: f32) {
        if rows >= TELLING_ROWS && ms.is_finite() {
            let seen = (ms / rows as f32).clamp(0.01, 1000.0);
            self.row_ms = if self.row_ms == FIRST_ROW_MS { seen } else { self.row_ms + (seen - self.row_ms) * 0.2 };
        }
    }

    /// What a row costs.
    pub fn row_ms(&self) -> f32 {
        self.row_ms
    }

    fn step_rows(&self) -> usize {
        ((STEP_MS / self.row_ms) as usize).clamp(*STEP_ROWS.start(), *STEP_ROWS.end())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn asker(lane: Lane, shop: u128) -> Asker {
        Asker { shop: Some(Uuid::from_u128(shop)), ..Asker::from(lane) }
    }

    fn prompt(id: u64, lane: Lane, shop: u128, left: usize) -> Entry {
        Entry { id, asker: asker(lane, shop), need: Need::Prompt(left) }
    }

    fn token(id: u64, lane: Lane, guesses: usize) -> Entry {
        Entry { id, asker: asker(lane, 1), need: Need::Token { guesses } }
    }

    #[test]
    fn a_prompt_is_read_beside_what_decodes_and_bulk_work_stands_still() {
        let mut scheduler = Scheduler::new(8);
        scheduler.observe(100, 500.0);
        let active = [
            token(1, Lane::Interactive, 0),
            prompt(2, Lane::Interactive, 1, 900),
            token(3, Lane::Bulk, 0),
            prompt(4, Lane::Bulk, 2, 50),
        ];
        assert_eq!(scheduler.divide(&active), [Share { id: 1, rows: 1 }, Share { id: 2, rows: 49 }]);
        assert!(!scheduler.may_start(Lane::Bulk, &active));
        assert_eq!(scheduler.divide(&active[2..]), [Share { id: 3, rows: 1 }, Share { id: 4, rows: 49 }]);
    }

    #[test]
    fn guesses_are_checked_only_while_few_decode() {
        let mut scheduler = Scheduler::new(8);
        let two = [token(1, Lane::Interactive, 3), token(2, Lane::Interactive, 2)];
        assert_eq!(scheduler.divide(&two), [Share { id: 1, rows: 4 }, Share { id: 2, rows: 3 }]);
        let three = [two[0], two[1], token(3, Lane::Interactive, 3)];
        assert!(scheduler.divide(&three).iter().all(|share| share.rows == 1));
    }

    #[test]
    fn a_shop_with_many_prompts_does_not_keep_another_waiting() {
        let mut scheduler = Scheduler::new(32);
        scheduler.observe(100, 100.0);
        let mut active: Vec<Entry> = Vec::new();
        for id in 0..10 {
            scheduler.start(asker(Lane::Interactive, 1), &active);
            active.push(prompt(id, Lane::Interactive, 1, 900));
        }
        for _ in 0..4 {
            work(&mut scheduler, &mut active);
        }
        scheduler.start(asker(Lane::Interactive, 2), &active);
        active.push(prompt(99, Lane::Interactive, 2, 900));
        let mut steps = 0;
        while active.iter().any(|entry| entry.id == 99) {
            work(&mut scheduler, &mut active);
            steps += 1;
        }
        // 900 rows are four steps; the other shop has at most as much and its lead.
        assert!(steps <= 11, "{steps} steps");
    }

    /// One step in which prompts shrink and go when they are read.
    fn work(scheduler: &mut Scheduler, active: &mut Vec<Entry>) -> usize {
        let shares = scheduler.divide(active);
        for share in &shares {
            let entry = active.iter_mut().find(|entry| entry.id == share.id).unwrap();
            if let Need::Prompt(left) = &mut entry.need {
                *left -= share.rows;
            }
        }
        active.retain(|entry| entry.need != Need::Prompt(0));
        shares.iter().map(|share| share.rows).sum()
    }

    proptest! {
        #[test]
        fn every_step_moves_something_within_its_budget_and_everything_ends(
            needs in prop::collection::vec((1usize..1200, 0u128..4, any::<bool>(), any::<bool>()), 1..24),
            row_ms in 0.5f32..40.0,
        ) {
            let mut scheduler = Scheduler::new(32);
            scheduler.observe(100, row_ms * 100.0);
            let mut active = Vec::new();
            for (id, (left, shop, is_bulk, is_token)) in needs.into_iter().enumerate() {
                let lane = if is_bulk { Lane::Bulk } else { Lane::Interactive };
                let need = if is_token { Need::Token { guesses: left % 4 } } else { Need::Prompt(left) };
                scheduler.start(asker(lane, shop), &active);
                active.push(Entry { id: id as u64, asker: asker(lane, shop), need });
            }
            let budget = ((STEP_MS / row_ms) as usize).clamp(*STEP_ROWS.start(), *STEP_ROWS.end());
            let mut steps = 0;
            while !active.is_empty() {
                let shares = scheduler.divide(&active);
                prop_assert!(!shares.is_empty());
                let of = |share: &Share| active.iter().find(|entry| entry.id == share.id).unwrap();
                let lane = of(&shares[0]).asker.lane;
                let has_interactive = active.iter().any(|entry| entry.asker.lane == Lane::Interactive);
                prop_assert_eq!(lane == Lane::Interactive, has_interactive);
                let mut prompt_rows = 0;
                for share in &shares {
                    let entry = of(share);
                    prop_assert_eq!(entry.asker.lane, lane);
                    match entry.need {
                        Need::Prompt(left) => {
                            prop_assert!(share.rows > 0 && share.rows <= left);
                            prompt_rows += share.rows;
                        }
                        Need::Token { guesses } => prop_assert!((1..=1 + guesses).contains(&share.rows)),
                    }
                }
                prop_assert!(prompt_rows <= budget);
                let decoding = active.iter().filter(|e| e.asker.lane == lane && matches!(e.need, Need::Token { .. }));
                prop_assert!(decoding.clone().all(|e| shares.iter().any(|share| share.id == e.id)));
                for share in shares {
                    let entry = active.iter_mut().find(|entry| entry.id == share.id).unwrap();
                    match &mut entry.need {
                        Need::Prompt(left) if *left > share.rows => *left -= share.rows,
                        Need::Prompt(left) => *left = 0,
                        // A token at a time; here the first one is the last.
                        Need::Token { .. } => entry.need = Need::Prompt(0),
                    }
                }
                active.retain(|entry| entry.need != Need::Prompt(0));
                steps += 1;
                prop_assert!(steps < 4000, "it goes on for ever");
            }
        }
    }
}

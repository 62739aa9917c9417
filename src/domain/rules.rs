//! What a shop has settled about its records: how old one may be, who does what until when, what may be returned.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::calendar::HOUR_MS;
use crate::domain::returns::ReturnRules;
use crate::domain::task::{Department, TaskKind};

/// Who does a kind of task, until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskRule {
    /// Who does it.
    pub department: Department,
    /// So many hours after it was asked for; 1 to 720.
    pub due_hours: u32,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RecordRules {
    /// The shop's clock, in minutes east of UTC; -720 to 840.
    pub utc_offset_min: i64,
    /// An order that nothing was heard of for longer is left to a person; 1 to 2160 hours.
    pub stale_after_hours: u32,
    /// Who does what until when; a kind that is left out has its usual rule.
    pub tasks: BTreeMap<TaskKind, TaskRule>,
    /// What may be returned.
    pub returns: ReturnRules,
}

impl Default for RecordRules {
    fn default() -> Self {
        Self { utc_offset_min: 480, stale_after_hours: 72, tasks: BTreeMap::new(), returns: ReturnRules::default() }
    }
}

/// A field outside its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is outside its range")]
pub struct RulesError(pub &'static str);

impl RecordRules {
    /// Who does this kind of task, until when.
    pub fn task(&self, kind: TaskKind) -> TaskRule {
        let usual = |department, due_hours| TaskRule { department, due_hours };
        self.tasks.get(&kind).copied().unwrap_or(match kind {
            TaskKind::ShipDate | TaskKind::Address => usual(Department::Warehouse, 4),
            TaskKind::UrgeShipping | TaskKind::Cancel => usual(Department::Warehouse, 2),
            TaskKind::Invoice => usual(Department::Finance, 24),
            TaskKind::Remark => usual(Department::Warehouse, 8),
            TaskKind::Return | TaskKind::Other => usual(Department::Service, 24),
        })
    }

    /// When a task that is asked for now is due.
    pub fn due_ms(&self, kind: TaskKind, now_ms: i64) -> i64 {
        now_ms + i64::from(self.task(kind).due_hours) * HOUR_MS
    }

    /// Whether an account of an order is too old to be told to a buyer.
    pub fn is_stale(&self, as_of_ms: i64, now_ms: i64) -> bool {
        now_ms - as_of_ms > i64::from(self.stale_after_hours) * HOUR_MS
    }

    /// Refuses numbers outside their range.
    pub fn validate(&self) -> Result<(), RulesError> {
        let are_due = self.tasks.values().all(|rule| (1..=720).contains(&rule.due_hours));
        let checks = [
            ((-720..=840).contains(&self.utc_offset_min), "utc_offset_min"),
            ((1..=2160).contains(&self.stale_after_hours), "stale_after_hours"),
            (are_due, "tasks.due_hours"),
            ((1..=365).contains(&self.returns.days), "returns.days"),
            ((1..=365).contains(&self.returns.defect_days), "returns.defect_days"),
            (self.returns.excluded_categories.len() <= 100, "returns.excluded_categories"),
        ];
        checks.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, field)| Err(RulesError(field)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_task_has_an_owner_and_a_shop_may_choose_another() {
        let mut rules = RecordRules::default();
        assert_eq!(rules.task(TaskKind::Invoice).department, Department::Finance);
        rules.tasks.insert(TaskKind::Invoice, TaskRule { department: Department::Service, due_hours: 2 });
        assert_eq!(rules.due_ms(TaskKind::Invoice, 5), 5 + 2 * HOUR_MS);
        assert_eq!(rules.validate(), Ok(()));
        rules.tasks.insert(TaskKind::Cancel, TaskRule { department: Department::Service, due_hours: 0 });
        assert_eq!(rules.validate(), Err(RulesError("tasks.due_hours")));
    }

    #[test]
    fn rules_of_an_older_version_are_read_with_what_is_usual() {
        let rules: RecordRules = serde_json::from_str(r#"{"stale_after_hours":24}"#).unwrap();
        assert!(rules.is_stale(0, 25 * HOUR_MS) && !rules.is_stale(0, 24 * HOUR_MS));
        assert_eq!(rules.returns.days, 7);
    }
}

//! The invariants that can be read off the rows, see [`crate::invariants`]: a list of questions whose right answer is
//! "none". Asked of every backup before it is called good, and after every fault that the tests inject.

use sqlx::AssertSqlSafe;

use super::columns::Columns;
use super::{Db, StorageError, audit, shops};

/// A promise that some rows break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which promise: `I1` to `I8`.
    pub invariant: &'static str,
    /// How it is broken.
    pub says: &'static str,
    /// Ids of some of the rows.
    pub examples: Vec<String>,
}

/// Rows named in a violation; more help nobody.
const MAX_EXAMPLES: &str = "5";

struct Rule {
    invariant: &'static str,
    says: &'static str,
    /// Selects the ids of the rows that break it, as `subject`.
    sql: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        invariant: "I1",
        says: "the messages of a conversation are not numbered 1, 2, 3 …",
        sql: "select c.id as subject from conversations c left join messages m on m.conversation_id = c.id \
              group by c.id, c.next_seq having count(m.id) <> c.next_seq - 1 \
              or coalesce(max(m.seq), 0) <> c.next_seq - 1 or coalesce(min(m.seq), 1) <> 1",
    },
    Rule {
        invariant: "I1",
        says: "a buyer's message has no turn of its own",
        // What came before it on another platform is told beside the question of a companion's draft.
        sql: "select m.id as subject from messages m join conversations c on c.id = m.conversation_id \
              where m.author = 'buyer' and (c.kind <> 'companion' or m.turn_id is not null) \
              and not exists (select 1 from turns t where t.id = m.turn_id and t.message_id = m.id)",
    },
    Rule {
        invariant: "I1",
        says: "a question waits for an answer that no job will give",
        sql: "select t.id as subject from turns t where t.state = 'asked' and not exists \
              (select 1 from jobs j where j.key = 'answer_turn/' || t.id and j.state in ('queued', 'running'))",
    },
    Rule {
        invariant: "I1",
        says: "what waits for a person is not where agents look for it",
        sql: "select t.id as subject from turns t join conversations c on c.id = t.conversation_id \
              where c.kind = 'buyer' and c.closed = 0 and c.needs_person = 0 \
              and t.state in ('review', 'escalated', 'rejected')",
    },
    Rule {
        invariant: "I1",
        says: "a rehearsal goes on and no job answers its next question",
        sql: "select h.id as subject from rehearsals h where h.state = 'answering' and not exists (select 1 \
              from rehearsed r join jobs j on j.key = 'answer_rehearsed/' || r.id \
              where r.rehearsal_id = h.id and j.state in ('queued', 'running'))",
    },
    Rule {
        invariant: "I2",
        says: "a turn that was replied to has not exactly one reply",
        sql: "select t.id as subject from turns t where t.state = 'replied' and 1 <> (select count(*) \
              from messages m where m.turn_id = t.id and m.author in ('assistant', 'reviewed', 'agent'))",
    },
    Rule {
        invariant: "I2",
        says: "a turn has a reply and does not know of it",
        sql: "select t.id as subject from turns t where t.state <> 'replied' and exists (select 1 \
              from messages m where m.turn_id = t.id and m.author in ('assistant', 'reviewed', 'agent'))",
    },
    Rule {
        invariant: "I3",
        says: "a rehearsed answer was sent, or was to be",
        sql: "select t.id as subject from turns t join conversations c on c.id = t.conversation_id \
              where c.kind = 'rehearsal' and (t.decision = 'auto_send' or t.state = 'replied')",
    },
    Rule {
        invariant: "I3",
        says: "a draft for another platform was sent by itself, or was to be",
        sql: "select t.id as subject from turns t join conversations c on c.id = t.conversation_id \
              where c.kind = 'companion' and t.decision = 'auto_send'",
    },
    Rule {
        invariant: "I3",
        says: "the assistant said what was not decided to be sent",
        sql: "select m.id as subject from messages m left join turns t on t.id = m.turn_id \
              where m.author = 'assistant' and (t.id is null or t.decision is null or t.decision <> 'auto_send' \
              or t.reasons <> '[]' or t.evidence is null or t.policy_id is null or t.draft is null \
              or t.draft <> m.text)",
    },
    Rule {
        invariant: "I4",
        says: "a document answers from a revision that is not complete",
        sql: "select d.id as subject from documents d left join revisions r on r.id = d.active_revision \
              where d.active_revision is not null and (r.id is null or r.state <> 'indexed' or r.n_chunks is null \
              or r.n_chunks <> (select count(*) from chunks c where c.revision_id = r.id))",
    },
    Rule {
        invariant: "I4",
        says: "a revision that is not complete has chunks",
        sql: "select distinct r.id as subject from revisions r join chunks c on c.revision_id = r.id \
              where r.state <> 'indexed'",
    },
    Rule {
        invariant: "I4",
        says: "an upload waits for a job that does not exist",
        sql: "select r.id as subject from revisions r join documents d on d.id = r.document_id \
              where r.state in ('queued', 'parsing', 'embedding') and d.removed_at_ms is null and not exists \
              (select 1 from jobs j where j.key = 'ingest_revision/' || r.id and j.state in ('queued', 'running'))",
    },
    Rule {
        invariant: "I4",
        says: "an upload failed without a reason",
        sql: "select r.id as subject from revisions r where r.state = 'failed' and coalesce(r.error_code, '') = ''",
    },
    Rule {
        invariant: "I7",
        says: "a message stands in a conversation of another shop",
        sql: "select m.id as subject from messages m join conversations c on c.id = m.conversation_id \
              where c.shop_id <> m.shop_id",
    },
    Rule {
        invariant: "I7",
        says: "a turn belongs to a conversation or a message of another shop",
        sql: "select t.id as subject from turns t join conversations c on c.id = t.conversation_id \
              join messages m on m.id = t.message_id where c.shop_id <> t.shop_id or m.shop_id <> t.shop_id",
    },
    Rule {
        invariant: "I7",
        says: "a revision or a chunk belongs to a document of another shop",
        sql: "select r.id as subject from revisions r join documents d on d.id = r.document_id \
              left join chunks c on c.revision_id = r.id \
              where d.shop_id <> r.shop_id or c.shop_id <> r.shop_id or c.document_id <> r.document_id",
    },
    Rule {
        invariant: "I8",
        says: "the rules were changed by a person, and no entry of the audit log says so",
        sql: "select p.id as subject from policies p where p.author_id is not null and p.number > 1 and not exists \
              (select 1 from audit_log a where a.shop_id = p.shop_id and a.account_id = p.author_id \
              and a.action in ('policy_changed', 'kill_switch') and a.subject = cast(p.number as text))",
    },
    Rule {
        invariant: "I8",
        says: "a verdict on a draft was kept, and no entry of the audit log says so",
        sql: "select f.id as subject from feedback f where (f.shop_id, f.account_id, f.turn_id) not in \
              (select a.shop_id, a.account_id, a.subject from audit_log a where a.account_id is not null)",
    },
];

/// Every promise that is broken; empty is what it should be.
pub async fn violations(db: &Db) -> Result<Vec<Violation>, StorageError> {
    let mut found = Vec::new();
    for rule in RULES {
        // Both parts are constants of this file.
        let sql = format!("select subject from ({}) as broken order by subject limit {MAX_EXAMPLES}", rule.sql);
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&db.readers).await?;
        let examples: Vec<String> = rows.iter().map(|row| row.col("subject")).collect::<Result<_, _>>()?;
        if !examples.is_empty() {
            found.push(Violation { invariant: rule.invariant, says: rule.says, examples });
        }
    }
    for shop in shops::list(db).await? {
        if let Some(broken) = audit::verify(db, shop.id).await?.broken {
            let examples = vec![format!("entry {} of shop {}", broken.number, shop.id)];
            found.push(Violation { invariant: "I8", says: "the chain of the audit log does not hold", examples });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, Scratch, scratches};
    use super::*;

    async fn broken(db: &Db, harm: &'static str) -> Vec<&'static str> {
        let mut tx = db.begin().await.unwrap();
        sqlx::query(harm).execute(tx.connection()).await.unwrap();
        tx.commit().await.unwrap();
        violations(db).await.unwrap().iter().map(|violation| violation.invariant).collect()
    }

    #[tokio::test]
    async fn a_sound_database_breaks_no_promise_and_each_harm_breaks_its_own() {
        for Scratch { db, .. } in scratches().await {
            let mine = testing::shop(&db).await;
            let (_, revision) = testing::document(&db, mine, "Manual").await;
            testing::activate(&db, mine, revision, &["one", "two"]).await;
            let thread = testing::conversation(&db, mine).await;
            let mut tx = db.begin().await.unwrap();
            let question = super::super::turns::NewQuestion {
                text: "?",
                client_key: Some("k"),
                lang: crate::domain::text::Lang::En,
            };
            super::super::turns::ask(&mut tx, mine, thread, &question).await.unwrap().unwrap();
            tx.commit().await.unwrap();
            assert_eq!(violations(&db).await.unwrap(), []);
            assert_eq!(broken(&db, "update jobs set state = 'dead'").await, ["I1"], "nobody will answer");
            assert_eq!(broken(&db, "update jobs set state = 'queued'").await, [""; 0]);
            assert_eq!(broken(&db, "update conversations set next_seq = 3").await, ["I1"], "a message is missing");
            assert_eq!(broken(&db, "update conversations set next_seq = 2").await, [""; 0]);
            assert_eq!(broken(&db, "update turns set state = 'replied'").await, ["I2"]);
            assert_eq!(broken(&db, "update messages set author = 'assistant'").await, ["I3"]);
            assert_eq!(broken(&db, "update revisions set n_chunks = 3").await, ["I3", "I4"]);
        }
    }
}

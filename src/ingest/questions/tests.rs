use proptest::prelude::*;

use super::*;

fn read(name: &str, bytes: &[u8]) -> PastQuestions {
    read_questions(name, bytes, &ParseLimits::default()).unwrap()
}

fn asked(found: &PastQuestions) -> Vec<&str> {
    found.asked.iter().map(|asked| asked.question.as_str()).collect()
}

fn refused(found: &PastQuestions) -> Vec<(u32, RowProblem)> {
    found.refused.iter().map(|row| (row.line, row.problem)).collect()
}

#[test]
fn a_sheet_goes_in_row_by_row_and_bad_rows_say_why() {
    let long = "长".repeat(MAX_QUESTION_CHARS + 1);
    let sheet = format!(
        "问题,回复\n怎么退货？,七天内可退\n,空的\n{long},x\n怎么退货,再问一次\n发货要多久,两天,多出一格\n能开发票吗,\n"
    );
    let found = read("faq.csv", sheet.as_bytes());
    assert_eq!(asked(&found), ["怎么退货？", "能开发票吗"]);
    assert_eq!(found.asked[0].person_said.as_deref(), Some("七天内可退"));
    assert_eq!((found.asked[1].line, &found.asked[1].person_said), (7, &None));
    let want =
        [(3, RowProblem::Empty), (4, RowProblem::TooLong), (5, RowProblem::Duplicate), (6, RowProblem::WrongColumns)];
    assert_eq!(refused(&found), want);
    assert_ne!(found.asked[0].thread, found.asked[1].thread);
}

#[test]
fn the_encoding_of_the_shop_is_read() {
    let text = "问题\t答案\r\n这款耳机怎么连接手机蓝牙？\t长按三秒\r\n充电器支持多少伏的电压\t220V\r\n";
    let (gbk, _, _) = encoding_rs::GBK.encode(text);
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    for bytes in [text.as_bytes(), &gbk, &utf16] {
        assert_eq!(asked(&read("questions.csv", bytes)), ["这款耳机怎么连接手机蓝牙？", "充电器支持多少伏的电压"]);
    }
    let good = "问题\n充电器支持多少伏\n这款好用吗\n";
    let broken = [good.as_bytes(), "怎么退货吗".as_bytes(), b"\xff\xe6\n", "多久发货".as_bytes()].concat();
    let found = read("q.csv", &broken);
    assert_eq!(asked(&found), ["充电器支持多少伏", "这款好用吗", "多久发货"]);
    assert_eq!(refused(&found), [(4, RowProblem::Unreadable)]);
}

#[test]
fn of_chats_the_buyers_questions_are_taken_with_what_a_person_said() {
    let log = "会话ID,角色,内容\n\
        1,买家,在吗？\n1,客服,在的亲\n1,买家,这件衣服可以机洗吗\n1,客服,可以的\n1,客服,水温不超过30度\n1,买家,好的谢谢\n\
        2,买家,多久发货\n2,小王,明天\n2,系统,会话结束\n";
    let found = read("log.csv", log.as_bytes());
    assert_eq!(asked(&found), ["这件衣服可以机洗吗", "多久发货"]);
    assert_eq!(found.asked[0].person_said.as_deref(), Some("可以的\n水温不超过30度"));
    assert_eq!((found.asked[0].previous.as_deref(), found.asked[1].previous.as_deref()), (Some("在吗？"), None));
    assert_eq!((found.n_skipped, refused(&found)), (2, vec![(9, RowProblem::UnknownSender)]));
    assert_ne!(found.asked[0].thread, found.asked[1].thread);
}

#[test]
fn json_comes_in_many_shapes() {
    let chat =
        r#"{"messages":[{"role":"user","content":"How do I return it?"},{"role":"assistant","content":"In 7 days."}]}"#;
    let flat = r#"{"session_id":"a","sender":"buyer","text":"Is it waterproof?"}"#;
    let pair = r#"{"question":"How long is shipping?","answer":"Two days"}"#;
    let lines = format!("{chat}\n{flat}\n{pair}\n\"Do you ship abroad?\"\n{{broken\n42\n");
    let found = read("log.jsonl", lines.as_bytes());
    let want = ["How do I return it?", "How long is shipping?", "Do you ship abroad?", "Is it waterproof?"];
    assert_eq!(asked(&found), want);
    assert_eq!(found.asked[0].person_said.as_deref(), Some("In 7 days."));
    assert_eq!(refused(&found), [(5, RowProblem::NotUnderstood), (6, RowProblem::NotUnderstood)]);
    let whole = format!("{{\"conversations\": [{chat}]}}");
    assert_eq!(asked(&read("export.json", whole.as_bytes())), ["How do I return it?"]);
    let bare = r#"[{"role":"user","content":"Is it heavy?"},{"role":"agent","content":"No."}]"#;
    let found = read("chat.txt", bare.as_bytes());
    assert_eq!((asked(&found), found.asked[0].person_said.as_deref()), (vec!["Is it heavy?"], Some("No.")));
}

#[test]
fn a_list_without_a_header_is_one_question_a_line() {
    assert_eq!(asked(&read("list.txt", "怎么退货\n\n多久发货\n".as_bytes())), ["怎么退货", "多久发货"]);
    assert_eq!(asked(&read("list.csv", "怎么退货\n多久发货\n".as_bytes())), ["怎么退货", "多久发货"]);
    let nameless = read("two.csv", "怎么退货,七天\n多久发货,两天\n".as_bytes());
    assert_eq!(refused(&nameless), [(1, RowProblem::WrongColumns), (2, RowProblem::WrongColumns)]);
}

#[test]
fn what_is_too_much_is_said_once() {
    let many: String = (0..MAX_QUESTIONS + 50).map(|nth| format!("question {nth}\n")).collect();
    let found = read("many.txt", many.as_bytes());
    assert_eq!(found.asked.len(), MAX_QUESTIONS);
    assert_eq!(refused(&found), [(2001, RowProblem::TooMany)]);
}

#[test]
fn a_file_without_a_row_is_empty_and_a_manual_is_no_list() {
    let limits = ParseLimits::default();
    assert_eq!(read_questions("q.csv", b"question,answer\n", &limits), Err(ParseError::Empty));
    assert!(matches!(read_questions("m.pdf", b"%PDF-1.7", &limits), Err(ParseError::Unsupported { .. })));
}

/// A cell as it may stand in a file: heavy in what breaks readers.
fn any_cell() -> impl Strategy<Value = String> {
    prop_oneof!["[怎么退货吗？0-9a-z ,\"\n;\t|]{0,20}", "\\PC{0,30}", Just(String::new())]
}

/// A sheet as a spreadsheet program writes it.
fn csv_of(rows: &[Vec<String>]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(vec![]);
    for row in rows {
        writer.write_record(row).unwrap();
    }
    writer.into_inner().unwrap()
}

proptest! {
    #[test]
    fn every_row_of_a_sheet_is_taken_or_refused(
        questions in prop::collection::vec(any_cell(), 1..20), answers in prop::collection::vec(any_cell(), 20),
    ) {
        let pairs = questions.iter().zip(&answers).map(|(question, answer)| vec![question.clone(), answer.clone()]);
        let header = vec!["question".to_owned(), "answer".to_owned()];
        let rows: Vec<_> = std::iter::once(header).chain(pairs).collect();
        let n_filled = rows[1..].iter().filter(|row| row.iter().any(|cell| !cell.trim().is_empty())).count();
        match read_questions("sheet.csv", &csv_of(&rows), &ParseLimits::default()) {
            Ok(found) => {
                prop_assert_eq!(found.asked.len() + found.refused.len(), n_filled, "{:?}", found);
                for asked in &found.asked {
                    prop_assert!(questions.iter().any(|cell| cell.trim() == asked.question), "{:?}", asked);
                }
            }
            Err(error) => prop_assert!(error == ParseError::Empty && n_filled == 0, "{:?}", error),
        }
    }

    #[test]
    fn what_is_taken_is_new_short_and_readable(text in "(\\PC|\n|,|\"|\\{|\\}|\\[|\\]|:){0,200}", name in "[ab]\\.(csv|txt|json|jsonl)") {
        if let Ok(found) = read_questions(&name, text.as_bytes(), &ParseLimits::default()) {
            let mut known = HashSet::new();
            for asked in &found.asked {
                prop_assert!(known.insert(plain(&asked.question)));
                prop_assert!(!plain(&asked.question).is_empty() && !asked.question.contains(UNDECODABLE));
                prop_assert!(asked.question.chars().count() <= MAX_QUESTION_CHARS);
            }
            prop_assert!(found.refused.iter().all(|row| row.text.chars().count() <= SHOWN_CHARS && row.line > 0));
        }
    }

    #[test]
    fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..300), name in "[ab]\\.(csv|txt|json|jsonl|xlsx)") {
        let _ = read_questions(&name, &bytes, &ParseLimits::default());
    }

    #[test]
    fn a_chat_written_as_json_and_as_a_sheet_asks_the_same(
        said in prop::collection::vec((any::<bool>(), "[怎么退货吗可以 a-z?？]{1,12}"), 1..12),
    ) {
        let role = |is_buyer: bool| if is_buyer { "user" } else { "agent" };
        let lines = said.iter().map(|(is_buyer, text)| {
            serde_json::json!({ "chat_id": 1, "role": role(*is_buyer), "text": text }).to_string()
        });
        let header = vec!["chat_id".to_owned(), "role".to_owned(), "text".to_owned()];
        let rows = said.iter().map(|(is_buyer, text)| vec!["1".to_owned(), role(*is_buyer).to_owned(), text.clone()]);
        let rows: Vec<_> = std::iter::once(header).chain(rows).collect();
        let limits = ParseLimits::default();
        let as_json = read_questions("chat.jsonl", lines.collect::<Vec<_>>().join("\n").as_bytes(), &limits);
        let as_sheet = read_questions("chat.csv", &csv_of(&rows), &limits);
        let told = |found: Result<PastQuestions, ParseError>| found.map(|found| {
            let asked: Vec<_> = found.asked.into_iter().map(|asked| (asked.question, asked.person_said)).collect();
            (asked, found.n_skipped)
        });
        prop_assert_eq!(told(as_json), told(as_sheet));
    }
}

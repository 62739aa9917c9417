//! Requests of the widget and of uploads, damaged at random: the answer is an ordinary one, never a broken server.

use axum::body::Body;
use axum::http::{Method, Request, header};
use kefu::http::state::HttpSettings;
use kefu::storage::accounts::Role;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::json;

use crate::mutate::{apply, fuzz, mutations};
use crate::support::{Caller, TestApp, request};

/// How a request looks before it is damaged.
struct Sample {
    caller: Caller,
    path: String,
    kind: String,
    body: Vec<u8>,
}

async fn samples(app: &TestApp) -> Vec<Sample> {
    let shop = app.shop("teahouse").await;
    let (conversation, buyer) = app.conversation(&shop).await;
    let staff = shop.caller(Role::Staff);
    let json = |caller: &Caller, path: String, body: serde_json::Value| Sample {
        caller: caller.clone(),
        path,
        kind: "application/json".into(),
        body: body.to_string().into_bytes(),
    };
    let identity = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3IiwiYXVkIjoidyIsImV4cCI6MX0.c2lnbmF0dXJl";
    let start = json!({ "lang": "zh", "sku": "AF-500", "identity": identity, "page": "https://shop.example/a" });
    let form = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"手册.md\"\r\n\
                Content-Type: text/markdown\r\n\r\n# Title\r\n\r\nText.\r\n--B\r\n\
                Content-Disposition: form-data; name=\"sku\"\r\n\r\nAF-500\r\n--B--\r\n";
    let upload = Sample {
        caller: staff.clone(),
        path: "/v1/knowledge/documents".into(),
        kind: "multipart/form-data; boundary=B".into(),
        body: form.into(),
    };
    vec![
        json(&Caller::Nobody, format!("/v1/widgets/{}/conversations", shop.widget), start),
        json(&buyer, format!("/v1/chat/{conversation}/messages"), json!({ "text": "保修多久？", "client_key": "1" })),
        json(&staff, "/v1/knowledge/golden".into(), json!({ "question": "How long?", "answer": "Two years." })),
        json(&shop.caller(Role::Owner), "/v1/ops/policy".into(), json!({ "policy": { "bar": 0.8 }, "note": "n" })),
        upload,
    ]
}

#[test]
fn damaged_requests_get_an_ordinary_answer() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let many = 1_000_000;
    let settings =
        HttpSettings { conversations_per_address: many, messages_per_conversation: many, ..HttpSettings::default() };
    let (app, samples) = runtime.block_on(async {
        let app = TestApp::with(settings).await;
        let samples = samples(&app).await;
        (app, samples)
    });
    for sample in &samples[..2] {
        let answer = runtime.block_on(app.send(made_of(sample, &sample.kind, sample.body.clone()).unwrap()));
        assert!([201, 202, 401].contains(&answer.status.as_u16()), "{}: {}", sample.path, answer.text());
    }
    fuzz(2, (any::<Index>(), mutations(), proptest::option::weighted(0.1, mutations())), |(which, body, kind)| {
        let sample = &samples[which.index(samples.len())];
        let damaged = apply(&sample.body, &body);
        let kind = kind.map_or_else(
            || sample.kind.clone(),
            |kind| String::from_utf8_lossy(&apply(sample.kind.as_bytes(), &kind)).into_owned(),
        );
        // A header that HTTP itself refuses never arrives.
        let Some(request) = made_of(sample, &kind, damaged.clone()) else { return Ok(()) };
        let answer = runtime.block_on(app.send(request));
        let told = String::from_utf8_lossy(&damaged);
        prop_assert!(answer.status.as_u16() < 500, "{} {}: {} {}", sample.path, kind, told, answer.text());
        Ok(())
    });
}

fn made_of(sample: &Sample, kind: &str, body: Vec<u8>) -> Option<Request<Body>> {
    let mut request = request(Method::POST, &sample.path, &sample.caller, None);
    request.headers_mut().insert(header::CONTENT_TYPE, kind.parse().ok()?);
    *request.body_mut() = Body::from(body);
    Some(request)
}

//! The accept loop over real connections, and what becomes of them when the process stops.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Caller, TestApp, request};

/// Serves `app`; gives a connection that has got one answer and is kept open.
async fn served(app: &TestApp) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    app.life.spawn("accept", kefu::http::serve(listener, app.router.clone(), 64, app.life.clone()));
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(b"GET /healthz HTTP/1.1\r\nHost: kefu.test\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    while !answer.contains("\"ok\"") {
        let mut piece = [0; 1024];
        let n_read = connection.read(&mut piece).await.unwrap();
        assert!(n_read > 0, "{answer}");
        answer.push_str(std::str::from_utf8(&piece[..n_read]).unwrap());
    }
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    connection
}

#[tokio::test]
async fn stopping_closes_idle_connections_and_the_port() {
    let app = TestApp::new().await;
    let mut connection = served(&app).await;
    let address = connection.peer_addr().unwrap();
    app.life.stop();
    let has_stopped_well = tokio::time::timeout(Duration::from_secs(20), app.life.wait()).await;
    assert_eq!(has_stopped_well, Ok(true), "an idle connection holds nothing up");
    assert_eq!(connection.read(&mut [0; 16]).await.unwrap_or(0), 0, "the connection is closed");
    assert!(TcpStream::connect(address).await.is_err(), "the port is closed");
}

#[tokio::test]
async fn texts_are_compressed_and_streams_are_not() {
    let app = TestApp::new().await;
    let shop = app.shop("teahouse").await;
    let encoding = async |path: &str, caller: &Caller| {
        let mut asked = request(axum::http::Method::GET, path, caller, None);
        asked.headers_mut().insert("accept-encoding", "gzip".parse().unwrap());
        let answer = app.send(asked).await.expect(200);
        answer.headers.get("content-encoding").map(|encoding| encoding.to_str().unwrap().to_owned())
    };
    assert_eq!(encoding("/openapi.json", &Caller::Nobody).await.as_deref(), Some("gzip"));
    // It ends at once, since the process stops.
    app.life.stop();
    assert_eq!(encoding("/v1/console/events", &shop.caller(kefu::storage::accounts::Role::Agent)).await, None);
}

//! `kefu serve`.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::net::{TcpListener, TcpSocket};

use super::{Common, Outcome, output};
use crate::app::App;
use crate::app::data_dir::DataDir;
use crate::config::{Config, LogFormat};
use crate::lifecycle::Lifecycle;
use crate::telemetry;

/// What the kernel keeps of an answer that is not read yet.
const SEND_BUFFER_BYTES: u32 = 256 * 1024;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// Where to listen, as 127.0.0.1:8080.
    #[arg(long)]
    pub listen: Option<SocketAddr>,
}

pub fn run(common: &Common, args: &ServeArgs) -> Outcome {
    let config = common.config_listening_on(args.listen)?;
    telemetry::start(&config.telemetry.log, config.telemetry.format == LogFormat::Json);
    let data_dir = DataDir::open(&common.data_dir)?;
    runtime(&config)?.block_on(async {
        let listener = listen(&config).await?;
        let life = Lifecycle::default();
        life.listen_for_signals();
        let app = App::open(&config, data_dir.root(), life).await?;
        app.start_workers(&config).await?;
        announce(&app, &data_dir, &listener).await?;
        output::say(&format!("kefu serves at {}", config.public_url()));
        let clean = app.serve(listener, app.http_state(&config, None)).await;
        data_dir.withdraw();
        if clean { Ok(()) } else { Err(anyhow::anyhow!("a part of the server died; the log says which").into()) }
    })
}

/// The async runtime of every command that needs one. The models' threads are settled first: that is only sound while
/// there are no others.
pub fn runtime(config: &Config) -> anyhow::Result<tokio::runtime::Runtime> {
    crate::inference::device::init_threads(config.models.threads);
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no threads can be started")
}

/// Takes the port before anything slow is done, so that a taken one is known at once.
pub async fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    let address = config.server.listen;
    bind(address).with_context(|| {
        format!(
            "cannot listen on {address}\nhint: another program may use it; choose another with --listen 127.0.0.1:PORT"
        )
    })
}

/// With a small buffer for what a client does not read: what waits there is memory, for every connection.
fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    // Connections take it over from the one that accepts them.
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Says in the data directory where commands can reach this server.
pub async fn announce(app: &App, data_dir: &DataDir, listener: &TcpListener) -> anyhow::Result<()> {
    let mut address = listener.local_addr()?;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    if let Some(token) = crate::app::local_session::open(app).await? {
        let info =
            crate::app::data_dir::ServerInfo { url: format!("http://{address}"), token, pid: std::process::id() };
        data_dir.announce(&info)?;
    }
    Ok(())
}

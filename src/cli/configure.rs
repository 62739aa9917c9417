//! `kefu config`, `kefu doctor` and `kefu health`.

use std::process::Command;

use clap::Subcommand;

use super::{Common, Failure, Outcome, output};
use crate::app::data_dir::ServerInfo;
use crate::app::engines::{embedder_entry, generator_entry};
use crate::inference::device;
use crate::inference::weights::{Manifest, Weights};

/// Show or check the settings.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print every setting in force, with its comment; secrets are masked.
    Print,
    /// Say whether the settings can be used.
    Check,
}

pub fn run(common: &Common, command: &ConfigCommand) -> Outcome {
    let config = common.config()?;
    match command {
        ConfigCommand::Print => output::print_text(&config.print())?,
        ConfigCommand::Check => output::say("the settings can be used"),
    }
    Ok(())
}

/// Looks at everything that the product needs of this machine; refuses if something is missing.
pub fn doctor(common: &Common) -> Outcome {
    let config = common.config()?;
    let (manifest, weights) = (Manifest::built_in(), Weights::new(config.models_dir()));
    let mut missing = 0;
    let mut check = |name: &str, found: Result<String, String>| {
        let (mark, text) = match found {
            Ok(text) => ("ok     ", text),
            Err(text) => {
                missing += 1;
                ("MISSING", text)
            }
        };
        output::say(&format!("{mark}  {name}: {text}"));
    };
    check("settings", Ok("they can be used".into()));
    check("processor", Ok(device::describe()));
    for model in [embedder_entry(&manifest, &config)?, generator_entry(&manifest, &config)?] {
        let hint = || format!("not in {}; `kefu models fetch` brings it", weights.dir().display());
        check(&format!("model {}", model.id), if weights.is_present(model) { Ok("there".into()) } else { Err(hint()) });
    }
    let has_pip =
        Command::new("python3").args(["-m", "pip", "--version"]).output().is_ok_and(|found| found.status.success());
    let pip = if has_pip { "there" } else { "not there; only needed where the model hub cannot be reached" };
    check("pip", Ok(pip.into()));
    check("data directory", writable(&common.data_dir));
    if let Some(server) = ServerInfo::of(&common.data_dir) {
        check("server", Ok(format!("runs at {}", server.url)));
    }
    if missing == 0 { Ok(()) } else { Err(Failure::Refused(format!("{missing} things are missing"))) }
}

fn writable(dir: &std::path::Path) -> Result<String, String> {
    let probe = dir.join(".doctor");
    let tried = std::fs::create_dir_all(dir)
        .and_then(|()| std::fs::write(&probe, b""))
        .and_then(|()| std::fs::remove_file(&probe));
    match tried {
        Ok(()) => Ok(format!("`{}` can be written", dir.display())),
        Err(error) => Err(format!("`{}` cannot be written: {error}", dir.display())),
    }
}

/// Asks the server that these settings describe whether it lives: for containers.
pub fn health(common: &Common) -> Outcome {
    let mut address = common.config()?.server.listen;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    ureq::get(format!("http://{address}/healthz")).call()?;
    Ok(())
}

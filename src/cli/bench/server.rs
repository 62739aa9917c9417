//! llama.cpp's server, asked the way its users ask it: token ids to `/completion`, the answer streamed.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use super::child;
use super::llama::Llama;

/// How long it may take to load a model.
const START: Duration = Duration::from_secs(120);
/// How long an answer may take, with others before it.
const ANSWER: Duration = Duration::from_secs(900);

/// A running server; it ends when this is dropped.
pub struct LlamaServer {
    child: Child,
    url: String,
    agent: ureq::Agent,
}

/// An answer, timed by whoever asked.
#[derive(Debug, Clone, Copy)]
pub struct Answered {
    /// From the question to the first piece of text.
    pub first: Duration,
    /// From the question to the end.
    pub total: Duration,
    /// Length of the answer.
    pub n_tokens: usize,
    /// Tokens of the prompt that were found in a cache.
    pub reused_tokens: usize,
}

impl LlamaServer {
    /// Starts it with these arguments and waits until it answers.
    pub async fn start(llama: &Llama, extra: &[String]) -> anyhow::Result<Self> {
        let port = free_port()?;
        let mut arguments = llama.arguments();
        let own = ["--host", "127.0.0.1", "--port", &port.to_string(), "--offline", "--no-ui"].map(str::to_owned);
        arguments.extend(own.into_iter().chain(extra.iter().cloned()));
        let mut command = Command::new(llama.program("llama-server"));
        command.args(&arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let child = command.spawn().context("llama-server cannot be started")?;
        let config = ureq::Agent::config_builder().timeout_global(Some(ANSWER)).http_status_as_error(false);
        let agent = config.build().new_agent();
        let mut server = Self { child, url: format!("http://127.0.0.1:{port}"), agent };
        let started = Instant::now();
        while !server.is_ready().await {
            if let Some(status) = server.child.try_wait()? {
                bail!("llama-server ended with {status}: it was started with `{}`", arguments.join(" "));
            }
            if started.elapsed() > START {
                bail!("llama-server was not ready after {} s", START.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(server)
    }

    /// The most memory it ever held.
    pub fn peak_bytes(&self) -> Option<u64> {
        child::peak_bytes_of(self.child.id()?)
    }

    async fn is_ready(&self) -> bool {
        let (agent, url) = (self.agent.clone(), format!("{}/health", self.url));
        let asked = tokio::task::spawn_blocking(move || agent.get(&url).call().is_ok_and(|r| r.status() == 200));
        asked.await.unwrap_or(false)
    }

    /// Asks greedily, with its prompt cache on.
    ///
    /// The only sampler is "the likeliest", the cheapest it has; ours also computes probability and entropy.
    pub async fn ask(&self, prompt: &[u32], max_tokens: usize) -> anyhow::Result<Answered> {
        let body = json!({
            "prompt": prompt, "n_predict": max_tokens, "stream": true, "cache_prompt": true,
            "temperature": 0, "samplers": ["top_k"], "top_k": 1, "repeat_penalty": 1.0,
        });
        let (agent, url, n_prompt) = (self.agent.clone(), format!("{}/completion", self.url), prompt.len());
        tokio::task::spawn_blocking(move || ask(&agent, &url, &body, n_prompt)).await?
    }
}

/// **Blocking**: until the answer has ended.
fn ask(agent: &ureq::Agent, url: &str, body: &Value, n_prompt: usize) -> anyhow::Result<Answered> {
    let started = Instant::now();
    let response = agent.post(url).send_json(body).context("llama-server does not answer")?;
    let status = response.status();
    let mut first = None;
    for line in BufReader::new(response.into_body().into_reader()).lines() {
        let line = line.context("llama-server broke off")?;
        let Some(event) = line.strip_prefix("data: ") else {
            if !status.is_success() {
                bail!("llama-server answered {status}: {line}");
            }
            continue;
        };
        let event: Value = serde_json::from_str(event).context("an event of llama-server")?;
        if first.is_none() && event["content"].as_str().is_some_and(|text| !text.is_empty()) {
            first = Some(started.elapsed());
        }
        if event["stop"] == json!(true) {
            return finished(&event, started.elapsed(), first, n_prompt);
        }
    }
    Err(anyhow!("llama-server's answer has no end"))
}

fn finished(event: &Value, total: Duration, first: Option<Duration>, n_prompt: usize) -> anyhow::Result<Answered> {
    let number = |pointer: &str| {
        let number = event.pointer(pointer).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
        number.with_context(|| format!("llama-server does not say `{pointer}`"))
    };
    let read = number("/timings/prompt_n")?;
    let reused_tokens = number("/timings/cache_n")?;
    // Otherwise it has put a token of its own in front, or has cut the prompt.
    if read + reused_tokens != n_prompt {
        bail!("llama-server read {read} + {reused_tokens} tokens of a prompt of {n_prompt}");
    }
    Ok(Answered { first: first.unwrap_or(total), total, n_tokens: number("/timings/predicted_n")?, reused_tokens })
}

/// A port that was free a moment ago.
fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_event_says_how_much_was_read_and_written() {
        let event = json!({"stop": true, "timings": {"prompt_n": 30, "cache_n": 70, "predicted_n": 12}});
        let (first, total) = (Duration::from_millis(40), Duration::from_millis(90));
        let answered = finished(&event, total, Some(first), 100).unwrap();
        assert_eq!((answered.first, answered.total), (first, total));
        assert_eq!((answered.n_tokens, answered.reused_tokens), (12, 70));
        let error = finished(&event, total, Some(first), 99).unwrap_err();
        assert!(error.to_string().contains("prompt of 99"), "another prompt was read than was asked: {error}");
    }
}

//! A generator behind an OpenAI-compatible endpoint, for shops that run a larger model elsewhere.
//!
//! # Why
//! Same contract as the local engine, so that the journeys do not know. Log-probabilities are asked for; an endpoint
//! that gives none is refused at the first answer instead of being trusted blindly, since the confidence needs them.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::domain::personal;

use super::{
    Asker, GenerateError, GenerateRequest, Generated, Generator, GeneratorSpec, PromptPart, Role, StopReason,
    TokenScore,
};

/// One answer may take this long.
const TIMEOUT: Duration = Duration::from_secs(120);

/// What a choice is worth that is not among the likeliest tokens the endpoint reports.
const UNREPORTED_LOGPROB: f32 = -20.0;

/// Likeliest tokens to ask for; more is refused by common endpoints.
const TOP_LOGPROBS: usize = 20;

/// Speaks to `{url}/chat/completions`.
pub struct OpenAiGenerator {
    spec: GeneratorSpec,
    url: String,
    api_key: String,
    agent: ureq::Agent,
}

impl OpenAiGenerator {
    /// `url` as `http://127.0.0.1:11434/v1`; an empty `api_key` sends none.
    pub fn new(url: &str, model: &str, api_key: &str) -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).http_status_as_error(false);
        Self {
            spec: GeneratorSpec { id: model.to_owned(), context_tokens: 8192 },
            url: format!("{}/chat/completions", url.trim_end_matches('/')),
            api_key: api_key.to_owned(),
            agent: config.build().new_agent(),
        }
    }

    async fn complete(&self, body: Value) -> Result<Value, GenerateError> {
        let mut request = self.agent.post(&self.url);
        if !self.api_key.is_empty() {
            request = request.header("authorization", &format!("Bearer {}", self.api_key));
        }
        let answered = tokio::task::spawn_blocking(move || {
            let unavailable = |error: ureq::Error| GenerateError::Unavailable { reason: error.to_string() };
            let mut response = request.send_json(&body).map_err(unavailable)?;
            match response.status().as_u16() {
                200 => response.body_mut().read_json().map_err(unavailable),
                429 | 503 => Err(GenerateError::Overloaded),
                status => Err(GenerateError::Failed { reason: format!("the endpoint answered with status {status}") }),
            }
        });
        answered.await.map_err(|death| GenerateError::Failed { reason: death.to_string() })?
    }

    fn body(&self, prompt: &[PromptPart], max_tokens: usize) -> Value {
        let message = |part: &PromptPart| {
            let role = match part.role {
                Role::System => "system",
                Role::User => "user",
                Role::Assistant => "assistant",
            };
            // It leaves the house: who the buyer is stays here. Numbers of lines are too short to be taken for data.
            json!({ "role": role, "content": personal::mask(&part.text) })
        };
        json!({
            "model": self.spec.id,
            "messages": prompt.iter().map(message).collect::<Vec<_>>(),
            "temperature": 0,
            "max_tokens": max_tokens,
            "logprobs": true,
            "top_logprobs": TOP_LOGPROBS,
        })
    }
}

/// The tokens of the first choice, or why there are none.
fn reported_tokens(answer: &Value) -> Result<&Vec<Value>, GenerateError> {
    let missing = || GenerateError::Failed { reason: "the endpoint reports no log-probabilities".into() };
    answer.pointer("/choices/0/logprobs/content").and_then(Value::as_array).ok_or_else(missing)
}

#[expect(clippy::cast_possible_truncation, reason = "log-probabilities are far from the limits of f32")]
fn logprob(token: &Value) -> f32 {
    token["logprob"].as_f64().map_or(UNREPORTED_LOGPROB, |value| value as f32)
}

/// Of the reported tokens only; the tail that is not reported is left out.
fn entropy(token: &Value) -> f32 {
    let top = token["top_logprobs"].as_array().map(Vec::as_slice).unwrap_or_default();
    top.iter().map(logprob).map(|logprob| -logprob.exp() * logprob).sum()
}

#[async_trait]
impl Generator for OpenAiGenerator {
    fn spec(&self) -> &GeneratorSpec {
        &self.spec
    }

    /// An estimate that errs on the long side: the endpoint's tokenizer is not known.
    fn count_tokens(&self, text: &str) -> usize {
        text.chars().map(|c| if c.is_ascii() { 1 } else { 4 }).sum::<usize>().div_ceil(3)
    }

    async fn generate(
        &self,
        request: GenerateRequest,
        tokens: Option<mpsc::Sender<String>>,
    ) -> Result<Generated, GenerateError> {
        let started = Instant::now();
        let mut body = self.body(&request.prompt, request.max_output_tokens);
        if !request.stop.is_empty() {
            body["stop"] = json!(request.stop);
        }
        let answer = self.complete(body).await?;
        let score = |token: &Value| TokenScore {
            text: token["token"].as_str().unwrap_or_default().to_owned(),
            logprob: logprob(token),
            entropy: entropy(token),
        };
        let scores: Vec<_> = reported_tokens(&answer)?.iter().map(score).collect();
        let text = answer.pointer("/choices/0/message/content").and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Some(sender) = tokens {
            let _ = sender.try_send(text.clone());
        }
        let cut = answer.pointer("/choices/0/finish_reason").and_then(Value::as_str) == Some("length");
        let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let prompt_tokens = answer.pointer("/usage/prompt_tokens").and_then(Value::as_u64).unwrap_or(0);
        Ok(Generated {
            text,
            tokens: scores,
            stop_reason: if cut { StopReason::Length } else { StopReason::Done },
            prompt_tokens: usize::try_from(prompt_tokens).unwrap_or(usize::MAX),
            reused_tokens: 0,
            ttft_ms: elapsed_ms,
            total_ms: elapsed_ms,
        })
    }

    async fn weigh(&self, prompt: &[PromptPart], choices: &[&str], _asker: Asker) -> Result<Vec<f32>, GenerateError> {
        let answer = self.complete(self.body(prompt, 1)).await?;
        let first = reported_tokens(&answer)?.first().cloned().unwrap_or_default();
        let top = first["top_logprobs"].as_array().cloned().unwrap_or_default();
        let best = |choice: &&str| {
            let begins = |token: &&Value| {
                let text = token["token"].as_str().unwrap_or_default();
                !text.trim().is_empty() && choice.trim_start().starts_with(text.trim_start())
            };
            top.iter().filter(begins).map(logprob).fold(UNREPORTED_LOGPROB, f32::max)
        };
        Ok(choices.iter().map(best).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// An endpoint that answers so many requests with one token, and hands over what it was sent, as it was sent.
    fn endpoint(n_requests: usize) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let serving = std::thread::spawn(move || {
            let mut heard = String::new();
            for _ in 0..n_requests {
                let (stream, _) = listener.accept().unwrap();
                let mut reader = BufReader::new(stream);
                let mut length = 0;
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    heard.push_str(&line);
                    if line.trim().is_empty() {
                        break;
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                heard.push_str(&String::from_utf8(body).unwrap());
                let token = json!({ "token": "1", "logprob": -0.1, "top_logprobs": [] });
                let choice = json!({ "message": { "content": "1" }, "logprobs": { "content": [token] } });
                let answer = json!({ "choices": [choice] }).to_string();
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                    answer.len()
                );
                reader.into_inner().write_all(format!("{head}{answer}").as_bytes()).unwrap();
            }
            heard
        });
        (url, serving)
    }

    #[tokio::test]
    async fn nothing_that_goes_over_the_wire_names_a_buyer() {
        let data = [
            "13812345678",
            "lin@shop.example",
            "11010519491231002X",
            "6222021234567890128",
            "浙江省杭州市西湖区文三路138号3栋502室",
            "京A12345",
            "wxid_lin88",
        ];
        let said = format!(
            "电话{}，邮箱 {}，身份证{}，卡号 {}，寄到{}，车牌{}，微信号：{}",
            data[0], data[1], data[2], data[3], data[4], data[5], data[6]
        );
        let part = |role| PromptPart { role, text: format!("<history>\n{said}\n</history>\nHow do I pair it?") };
        let prompt = || vec![part(Role::System), part(Role::User), part(Role::Assistant)];
        let (url, serving) = endpoint(2);
        let generator = OpenAiGenerator::new(&url, "model", "key");
        let asker = Asker { lane: crate::domain::job::Lane::Interactive, shop: None, conversation: None };
        let request = GenerateRequest { prompt: prompt(), max_output_tokens: 9, stop: vec!["END".into()], asker };
        generator.generate(request, None).await.unwrap();
        generator.weigh(&prompt(), &["1", "2"], asker).await.unwrap();
        let heard = serving.join().unwrap();
        assert_eq!(heard.matches("How do I pair it?").count(), 6, "{heard}");
        for one in data {
            assert!(!heard.contains(one), "{one} in {heard}");
        }
    }

    #[test]
    fn who_the_buyer_is_does_not_leave_the_house() {
        let generator = OpenAiGenerator::new("http://localhost/v1/", "model", "");
        let text =
            "[1] Hold the button for 5 seconds.\n<question>\n我叫小林，13812345678，怎么配对 AF-500？\n</question>";
        let body = generator.body(&[PromptPart { role: Role::User, text: text.to_owned() }], 9);
        let sent = body["messages"][0]["content"].as_str().unwrap();
        assert_eq!(sent, text.replace("13812345678", "[phone]"), "numbers of lines and articles stay");
    }
}

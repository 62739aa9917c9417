//! Every way a request can fail: one code table, one body (RFC 9457), one place that logs.
//!
//! A handler returns an [`ApiError`]; the outermost layer turns it into `application/problem+json`, because only there
//! the request's id and the reader's language are known. Internals never leave: they are logged once, with that id.

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use tracing::{debug, error, warn};

use crate::domain::fault::Fault;
use crate::domain::text::Lang;
use crate::http::password::HashError;
use crate::storage::StorageError;
use crate::storage::files::FileError;

/// What handlers return.
pub type ApiResult<T> = Result<T, ApiError>;

struct Row {
    status: u16,
    code: &'static str,
    en: &'static str,
    zh: &'static str,
}

macro_rules! codes {
    ($($name:ident $status:literal $code:literal $en:literal $zh:literal)*) => {
        /// What went wrong. Codes are stable: scripts match on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $(#[doc = $en] $name),* }

        impl Code {
            /// Every code there is.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            fn row(self) -> Row {
                match self { $(Self::$name => Row { status: $status, code: $code, en: $en, zh: $zh }),* }
            }
        }
    };
}

codes! {
    BodyInvalid 400 "body_invalid" "The body is not what this address takes." "请求内容的格式不正确。"
    QueryInvalid 400 "query_invalid" "A query parameter is not what this address takes." "查询参数不正确。"
    SignInNeeded 401 "sign_in_needed" "Please sign in." "请先登录。"
    TokenInvalid 401 "token_invalid" "This chat cannot be opened with the given token." "凭证无效，无法打开此会话。"
    WrongCredentials 401 "wrong_credentials" "The e-mail address or the password is wrong." "邮箱或密码不正确。"
    SecondFactorNeeded 401 "second_factor_needed" "Please enter the code of your authenticator app." "请输入身份验证器中的验证码。"
    SecondFactorWrong 401 "second_factor_wrong" "The code is wrong or was used before." "验证码不正确或已使用过。"
    IdentityNeeded 401 "identity_needed" "This chat is for signed-in buyers." "请先登录店铺账号再咨询。"
    IdentityInvalid 401 "identity_invalid" "The shop's word on who the buyer is cannot be believed." "店铺签发的买家身份无效。"
    SignatureInvalid 401 "signature_invalid" "The signature of the event does not fit." "事件的签名无效。"
    PasswordNeeded 403 "password_needed" "Please enter your password again." "请再次输入密码。"
    SecondFactorRequired 403 "second_factor_required" "The shop asks for a second factor; please set yours up." "店铺要求启用两步验证，请先完成设置。"
    NotAllowed 403 "not_allowed" "Your role may not do this." "您的角色没有此权限。"
    CrossSite 403 "cross_site" "The request came from another site." "请求来自其他网站，已拒绝。"
    OriginRefused 403 "origin_refused" "This widget may not be shown on that site." "此网站未获授权使用该聊天组件。"
    OwnerNeeded 403 "owner_needed" "Only an owner may change owners." "只有店主可以更改店主账号。"
    NotFound 404 "not_found" "There is nothing here." "没有找到内容。"
    WidgetUnknown 404 "widget_unknown" "There is no such widget." "聊天组件不存在。"
    MethodNotAllowed 405 "method_not_allowed" "This address does not take that method." "此地址不支持该请求方法。"
    CountChanged 409 "count_changed" "The message would reach others than were counted; count again." "将收到消息的买家有变化，请重新统计。"
    AlreadyResolved 409 "already_resolved" "Somebody has already dealt with this answer." "这条回答已被处理。"
    IdempotencyConflict 409 "idempotency_conflict" "This client key was used for another text." "该 client_key 已用于其他内容。"
    DialOff 409 "dial_off" "Nothing is promised for this: its bar is set by hand." "该范围未设置误差承诺，门槛由人工设定。"
    PolicyChanged 409 "policy_changed" "The policy was changed in the meantime." "策略已被他人修改。"
    PromiseChanged 409 "promise_changed" "Somebody changed or tried this promise in the meantime; nothing was proven." "该承诺刚被他人修改或验证，本次没有进行证实。"
    RehearsalMoved 409 "rehearsal_moved" "The rehearsal has come further in the meantime." "演练状态已发生变化。"
    CommitmentChanged 409 "commitment_changed" "Somebody has changed this commitment in the meantime." "该承诺已被他人修改。"
    TaskChanged 409 "task_changed" "Somebody has changed this task in the meantime." "该任务已被他人修改。"
    NoDraft 409 "no_draft" "There is no draft to send." "没有可发送的草稿。"
    TakenByOther 409 "taken_by_other" "Another agent has taken over this conversation." "该会话已由其他客服接管。"
    NobodyFree 409 "nobody_free" "Nobody on duty can take more." "没有在岗且有余力的客服。"
    NoLead 409 "no_lead" "The shop has named no lead." "店铺还没有指定组长。"
    OtherBuyer 409 "other_buyer" "This chat was begun by somebody else." "此会话由其他买家发起。"
    EmailTaken 409 "email_taken" "Somebody already has this e-mail address." "该邮箱已被使用。"
    NotAnswered 409 "not_answered" "This question has not been answered yet." "此问题尚未回复。"
    AlreadySetUp 409 "already_set_up" "It is set up already." "已经设置过了。"
    TwoKeys 409 "two_keys" "There are two keys already; take one away first." "已有两个密钥，请先删除一个。"
    Quarantined 409 "quarantined" "This chunk is held back until somebody approves it." "该片段已被隔离，需先批准。"
    NotYet 409 "not_yet" "This revision has not been read yet." "该版本尚未解析完成。"
    LinkInvalid 410 "link_invalid" "This link was used or has expired." "链接已使用或已过期。"
    BodyTooLarge 413 "body_too_large" "The request is too large." "请求内容过大。"
    FileTooLarge 413 "file_too_large" "The file is too large." "文件过大。"
    MediaTypeUnsupported 415 "media_type_unsupported" "This address takes another content type." "不支持该内容类型。"
    MessageEmpty 422 "message_empty" "The message is empty." "消息不能为空。"
    FieldInvalid 422 "field_invalid" "A field has a value that is not allowed." "某个字段的值不正确。"
    FileEmpty 422 "file_empty" "The file is empty." "文件为空。"
    FileMissing 422 "file_missing" "No file was sent." "没有收到文件。"
    WeakPassword 422 "weak_password" "The password is too short or too common." "密码太短或太常见。"
    NothingToRetry 409 "nothing_to_retry" "Only a failed revision can be tried again." "只有失败的版本才能重试。"
    TooManyAttempts 429 "too_many_attempts" "Too many failed attempts." "失败次数过多。"
    TooManyRequests 429 "too_many_requests" "Too many requests in a short time." "请求过于频繁。"
    StorageFull 507 "storage_full" "There is not enough room left on the server's disk." "服务器磁盘空间不足。"
    Internal 500 "internal" "Something broke on our side." "服务器内部错误。"
    Unprocessable 422 "unprocessable" "This cannot be processed." "无法处理此内容。"
    TryAgain 503 "try_again" "The service is busy or starting." "服务繁忙或正在启动。"
}

impl Code {
    /// The stable name.
    pub fn name(self) -> &'static str {
        self.row().code
    }

    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.row().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// One sentence for people.
    pub fn sentence(self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.row().en,
            Lang::Zh => self.row().zh,
        }
    }

    /// What to do about it, where there is something to do.
    fn hint(self, lang: Lang) -> Option<&'static str> {
        let (en, zh) = match self {
            Self::SignInNeeded => (
                "open /login, or send `Authorization: Bearer <token>`",
                "请打开 /login 登录，或发送 `Authorization: Bearer <token>`",
            ),
            Self::TokenInvalid => ("start a new conversation", "请开始新的会话"),
            Self::CrossSite => (
                "scripts use `Authorization: Bearer <token>` instead of the cookie",
                "脚本请使用 `Authorization: Bearer <token>`，不要使用 Cookie",
            ),
            Self::OriginRefused => ("add the site to the widget's allowed origins", "请将该网站加入组件的允许来源"),
            Self::PasswordNeeded => (
                "call `POST /v1/me/confirm` with your password, then try again; keys of scripts cannot",
                "请用密码调用 `POST /v1/me/confirm` 后重试；脚本密钥无法执行此操作",
            ),
            Self::SecondFactorRequired => ("open /account and set it up there", "请打开 /account 完成设置"),
            Self::AlreadyResolved
            | Self::PolicyChanged
            | Self::PromiseChanged
            | Self::RehearsalMoved
            | Self::TaskChanged
            | Self::CommitmentChanged => ("load the page again", "请刷新页面"),
            Self::TakenByOther => {
                ("ask them to pass it on, or give it to yourself with a reason", "请对方转交，或填写理由后转给自己")
            }
            Self::NobodyFree => {
                ("give it to somebody by name, or leave it in the line", "请指定一位客服，或留在队列中")
            }
            Self::NoLead => ("ops name leads under /ops#/inbox", "运营可在 /ops#/inbox 指定组长"),
            Self::LinkInvalid => ("ask for a new link", "请重新申请链接"),
            Self::MediaTypeUnsupported => (
                "set `Content-Type: application/json`, or `multipart/form-data` for files",
                "请设置 `Content-Type: application/json`，上传文件请用 `multipart/form-data`",
            ),
            Self::WeakPassword => ("take at least 8 characters", "请至少使用 8 个字符"),
            Self::TooManyAttempts | Self::TooManyRequests | Self::TryAgain => {
                ("wait as long as `Retry-After` says", "请按 `Retry-After` 的秒数等待后重试")
            }
            Self::StorageFull => (
                "chats go on; tell your administrator, and upload again when there is room",
                "聊天不受影响；请联系管理员清理磁盘后再上传",
            ),
            Self::Internal => ("tell your administrator the request id", "请将 request_id 告知管理员"),
            _ => return None,
        };
        Some(match lang {
            Lang::En => en,
            Lang::Zh => zh,
        })
    }
}

/// Why a request failed.
#[derive(Debug, Clone)]
pub struct ApiError {
    code: Code,
    errors: Vec<Value>,
    retry_after_s: Option<u64>,
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl From<Code> for ApiError {
    fn from(code: Code) -> Self {
        let retry_after_s = match code {
            Code::TryAgain | Code::TooManyRequests => Some(2),
            Code::StorageFull => Some(60),
            _ => None,
        };
        Self { code, errors: vec![], retry_after_s, cause: None }
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        let code = match (&error, error.fault()) {
            (StorageError::Full { .. }, _) => Code::StorageFull,
            (_, Fault::Caller) => Code::FieldInvalid,
            (_, Fault::Content) => Code::Unprocessable,
            (_, Fault::Transient | Fault::Overloaded) => Code::TryAgain,
            (_, Fault::Bug) => Code::Internal,
        };
        Self::from(code).caused_by(error)
    }
}

impl From<HashError> for ApiError {
    fn from(error: HashError) -> Self {
        Self::bug(error)
    }
}

impl From<FileError> for ApiError {
    fn from(error: FileError) -> Self {
        match error.fault() {
            _ if matches!(error, FileError::Full) => Self::from(Code::StorageFull).caused_by(error),
            Fault::Transient | Fault::Overloaded => Self::from(Code::TryAgain).caused_by(error),
            Fault::Caller | Fault::Content | Fault::Bug => Self::bug(error),
        }
    }
}

impl ApiError {
    /// A field, by its name, and what is wrong with it.
    pub fn field(field: &str, problem: impl std::fmt::Display) -> Self {
        Self::from(Code::FieldInvalid).with(serde_json::json!({ "field": field, "detail": problem.to_string() }))
    }

    /// An invariant broke; `cause` is logged and never shown.
    pub fn bug(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::from(Code::Internal).caused_by(cause)
    }

    /// Adds what a script needs to know.
    pub fn with(mut self, detail: Value) -> Self {
        self.errors.push(detail);
        self
    }

    /// Says when to come again.
    pub fn retry_after_s(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Keeps what happened for the log.
    pub fn caused_by(mut self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.cause = Some(Arc::new(cause));
        self
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The finished answer. Called once, by the outermost layer.
    pub(crate) fn render(&self, request_id: &str, lang: Lang) -> Response {
        self.log(request_id);
        let status = self.code.status();
        let problem = Problem {
            kind: format!("urn:kefu:problem:{}", self.code.name()),
            title: status.canonical_reason().unwrap_or("Error").into(),
            status: status.as_u16(),
            detail: self.code.sentence(lang).into(),
            code: self.code.name().into(),
            request_id: request_id.into(),
            hint: self.code.hint(lang).map(str::to_owned),
            errors: self.errors.clone(),
        };
        let body = serde_json::to_vec(&problem).expect("a struct of strings and JSON values serializes");
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(lang.code()));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    fn log(&self, request_id: &str) {
        let (code, cause) = (self.code.name(), self.cause.as_ref().map(|cause| Chain(cause.as_ref()).to_string()));
        match self.code.status().as_u16() {
            500 => error!(request.id = request_id, code, cause, "a request broke an invariant"),
            503 | 507 => warn!(request.id = request_id, code, cause, "a request was turned away"),
            _ => debug!(request.id = request_id, code, cause, "a request was refused"),
        }
    }
}

impl IntoResponse for ApiError {
    /// Only the status; the outermost layer takes the error out of the extensions and writes the body.
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// An error and what caused it, in one line.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            write!(f, ": {cause}")?;
            next = cause.source();
        }
        Ok(())
    }
}

/// The body of every error (RFC 9457).
#[derive(Debug, Serialize, JsonSchema)]
pub struct Problem {
    /// A URN made of the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// One sentence, in the reader's language.
    pub detail: String,
    /// Stable, for scripts.
    pub code: String,
    /// Stands in the server's log, too.
    pub request_id: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Particulars: wrong fields, the state that was found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub errors: Vec<Value>,
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_speak_both_languages() {
        let names: HashSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(code.status().is_client_error() || code.status().is_server_error(), "{code:?}");
            assert_eq!(Lang::of(code.sentence(Lang::Zh)), Lang::Zh, "{code:?}");
            assert_eq!(Lang::of(code.sentence(Lang::En)), Lang::En, "{code:?}");
        }
    }

    #[test]
    fn what_is_left_out_of_a_problem_is_not_promised() {
        let response = ApiError::from(Code::NotFound).render("r1", Lang::En);
        let body = futures::executor::block_on(axum::body::to_bytes(response.into_body(), 10_000)).unwrap();
        let problem: Value = serde_json::from_slice(&body).unwrap();
        let promised = schemars::schema_for!(Problem).to_value()["required"].as_array().unwrap().clone();
        assert!(promised.len() > 4, "{promised:?}");
        assert!(promised.iter().all(|name| problem.get(name.as_str().unwrap()).is_some()), "{promised:?} {problem}");
    }

    #[test]
    fn a_problem_names_what_to_do_and_hides_its_cause() {
        let secret = std::io::Error::other("/var/lib/secret");
        let response = ApiError::from(Code::TryAgain).caused_by(secret).render("r1", Lang::En);
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
        let body = futures::executor::block_on(axum::body::to_bytes(response.into_body(), 10_000)).unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(!text.contains("secret"), "{text}");
        assert!(text.contains(r#""request_id":"r1""#) && text.contains("Retry-After"), "{text}");
    }
}

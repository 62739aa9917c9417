//! Whether a model can be asked already.

use tokio::sync::watch;

/// Where the loading of a model stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadState {
    /// The weights are being read.
    Loading,
    /// It answers.
    Ready,
    /// It will not answer.
    Failed {
        /// A sentence for ops.
        reason: String,
    },
}

/// Waits until loading has ended, one way or the other.
///
/// **Errors**: the reason in words when it failed.
pub async fn wait_until_loaded(mut state: watch::Receiver<LoadState>) -> Result<(), String> {
    let ended = state.wait_for(|state| *state != LoadState::Loading).await;
    match ended.as_deref() {
        Ok(LoadState::Failed { reason }) => Err(reason.clone()),
        Ok(_) => Ok(()),
        Err(_) => Err("the engine has stopped".to_owned()),
    }
}

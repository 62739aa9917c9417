//! Signing in and out, setting a password, and what a person sees to about their own account.

mod credentials;
mod keys;
mod login;
mod me;
mod second_factor;
mod security;
mod set_password;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::ids::{AccountId, ShopId};
use crate::http::error::{ApiError, ApiResult};
use crate::http::guard::Member;
use crate::http::permission::Permission::{self, SignedIn};
use crate::http::routes::{Route, Routes};
use crate::http::state::AppState;
use crate::storage::accounts::{Account, Role};
use crate::storage::shops;

/// Adds the routes of this room.
pub fn routes(routes: Routes) -> Routes {
    let sign_in =
        Route::post("/v1/login", Permission::Public, "Sign in; the cookie is for pages, the token for scripts")
            .takes::<login::LoginBody>()
            .returns::<login::LoginAnswer>(200)
            .example(
                json!({ "email": "agent@shop.example", "password": "a long password" }),
                json!({ "account": example_account(), "token": "9f2b…" }),
            );
    let set_password =
        Route::post("/v1/password", Permission::Public, "Set the password with the token of an invitation")
            .takes::<set_password::PasswordBody>();
    routes
        .add(sign_in, login::log_in)
        .add(Route::post("/v1/logout", Permission::SignedIn, "End this session"), me::log_out)
        .add(Route::get("/v1/me", Permission::SignedIn, "Who is signed in").returns::<MeView>(200), me::show_me)
        .add(set_password, set_password::set_password)
        .with(own_routes)
}

fn own_routes(routes: Routes) -> Routes {
    let security = Route::get("/v1/me/security", SignedIn, "One's own sessions and second factor")
        .returns::<security::SecurityView>(200);
    let confirm = Route::post("/v1/me/confirm", SignedIn, "Give the password again, before something dangerous")
        .takes::<security::ConfirmBody>();
    let change = Route::post("/v1/me/password", SignedIn, "Change one's own password; other sessions end")
        .takes::<security::ChangePasswordBody>();
    let end = Route::delete("/v1/me/sessions/{session_id}", SignedIn, "End one of one's own sessions");
    let end_others = Route::post("/v1/me/end-other-sessions", SignedIn, "End all of one's own sessions but this one");
    let begin = Route::post("/v1/me/second-factor", SignedIn, "Begin to set up a second factor")
        .returns::<second_factor::KeyAnswer>(200)
        .asks_password();
    let enable =
        Route::post("/v1/me/second-factor/enable", SignedIn, "Prove that the key arrived; the codes are shown once")
            .takes::<second_factor::CodeBody>()
            .returns::<second_factor::RecoveryAnswer>(200)
            .asks_password();
    let renew = Route::post("/v1/me/recovery-codes", SignedIn, "Replace the recovery codes; they are shown once")
        .returns::<second_factor::RecoveryAnswer>(200)
        .asks_password();
    let keys =
        Route::get("/v1/me/tokens", SignedIn, "Keys of scripts that act as oneself").returns::<keys::OwnKeys>(200);
    let end_key = Route::delete("/v1/me/tokens/{token_id}", SignedIn, "Take a key of one's own away");
    let remove = Route::delete("/v1/me/second-factor", SignedIn, "Take the second factor away").asks_password();
    routes
        .add(security, security::show_security)
        .add(confirm, security::confirm)
        .add(change, security::change_password)
        .add(end, security::end_session)
        .add(end_others, security::end_other_sessions)
        .add(begin, second_factor::begin)
        .add(enable, second_factor::enable)
        .add(renew, second_factor::renew_codes)
        .add(remove, second_factor::remove)
        .add(keys, keys::list_own)
        .add(end_key, keys::remove_own)
}

fn example_account() -> Value {
    json!({
        "id": "01890a5d-ac96-774b-bcce-b302099a8057", "email": "agent@shop.example", "name": "小林", "role": "agent",
        "shop_id": "01890a5d-ac96-774b-bcce-b302099a8058", "shop_name": "Teahouse",
        "must_set_up_second_factor": false,
    })
}

/// The person who is signed in.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MeView {
    id: AccountId,
    email: String,
    name: String,
    role: Role,
    shop_id: ShopId,
    shop_name: String,
    /// The shop demands a second factor of them, and they have none: they reach nothing but their own account.
    must_set_up_second_factor: bool,
}

impl MeView {
    async fn of(state: &AppState, member: Member) -> ApiResult<Self> {
        let (must_set_up_second_factor, account) = (member.lacks_factor(), member.account);
        let shop = shops::get(&state.db, account.shop).await?.ok_or_else(|| ApiError::bug(NoShop))?;
        let Account { id, email, name, role, shop: shop_id, .. } = account;
        Ok(Self { id, email, name, role, shop_id, shop_name: shop.name, must_set_up_second_factor })
    }
}

/// An account names a shop that is not there, against the foreign key.
#[derive(Debug, thiserror::Error)]
#[error("an account has no shop")]
struct NoShop;

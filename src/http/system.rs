//! Whether it works, and how it is called.

mod health;
mod show_openapi;
mod show_status;

pub use show_openapi::ApiDescription;

use crate::http::permission::Permission::{Public, SignedIn};
use crate::http::routes::{Route, Routes};

/// Adds the routes of this room.
pub fn routes(routes: Routes) -> Routes {
    let alive = Route::get("/healthz", Public, "Whether the process lives").returns::<health::Alive>(200);
    let ready = Route::get("/readyz", Public, "Whether answers can be given; 503 with the parts while not")
        .returns::<health::Readiness>(200);
    let status = Route::get("/v1/status", SignedIn, "What runs here, and how busy it is")
        .returns::<show_status::StatusAnswer>(200);
    let openapi = Route::get("/openapi.json", Public, "This description").returns::<serde_json::Value>(200);
    routes
        .add(alive, health::show_alive)
        .add(ready, health::show_ready)
        .add(status, show_status::show_status)
        .add(openapi, show_openapi::show_openapi)
}

-- Looks at promises that the server takes by itself, in the night and after many new labels. Written once.
create table promise_checks (
    id text primary key,
    shop_id text not null references shops(id),
    -- `shop`, or `topic:` and a topic
    scope text not null,
    -- what it was due for: `night 20781`, `labels 350`
    occasion text not null,
    -- `still_holds`, `renewed`, `proven`, `lost`, `not_proven`
    finding text not null,
    details text not null,
    -- labels of the shop by then
    n_labels bigint not null,
    created_at_ms bigint not null,
    unique (shop_id, scope, occasion)
);
create index promise_checks_by_scope on promise_checks(shop_id, scope, created_at_ms);

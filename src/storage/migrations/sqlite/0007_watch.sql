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

-- Questions that people have judged, asked again of another machinery. Written once for each.
create table reasked (
    id text primary key,
    shop_id text not null references shops(id),
    turn_id text not null references turns(id),
    -- which machinery answered
    pipeline text not null,
    -- null where it had no answer
    draft text,
    confidence double precision not null,
    grounded_share double precision not null,
    -- whether something other than the confidence would have held it
    is_held bigint not null,
    created_at_ms bigint not null,
    unique (turn_id, pipeline)
);
create index reasked_by_pipeline on reasked(shop_id, pipeline);

-- The signs about a proof in force, as they were last read: what each answer asks for before it is sent.
create table promise_signals (
    certificate_id text primary key references certificates(id),
    shop_id text not null references shops(id),
    body text not null,
    is_raised bigint not null,
    read_at_ms bigint not null
);

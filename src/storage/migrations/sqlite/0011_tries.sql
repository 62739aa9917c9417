-- Tries at a proof: each spends a part of the doubt, whether or not it found one. Written once.
create table promise_tries (
    id text primary key,
    shop_id text not null references shops(id),
    -- `shop`, or `topic:` and a topic
    scope text not null,
    -- which machinery was tried, and from when on its rows counted: another one, or an alarm, begins a new count
    pipeline text not null,
    era_ms bigint not null,
    -- its place among the tries: the part of the doubt follows from it
    nth bigint not null,
    -- hash of the rows and of what was promised: the same again is the same try
    evidence text not null,
    n_rows bigint not null,
    target_error double precision not null,
    is_proven bigint not null,
    -- nobody for the server itself
    account_id text,
    created_at_ms bigint not null,
    unique (shop_id, scope, pipeline, era_ms, nth)
);

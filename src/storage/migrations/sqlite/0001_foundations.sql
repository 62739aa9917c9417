-- Ids are UUID texts, times are milliseconds since 1970 UTC, structured values are JSON texts, truth values 0 or 1:
-- the same statement then serves both databases. `shop_id` stands in every table that a shop owns.

create table shops (
    id text primary key,
    name text not null,
    locale text not null,
    created_at_ms bigint not null
);

create table accounts (
    id text primary key,
    shop_id text not null references shops(id),
    email text not null unique,
    name text not null,
    role text not null,
    password_hash text not null,
    disabled bigint not null default 0,
    created_at_ms bigint not null
);
create index accounts_by_shop on accounts(shop_id);

create table sessions (
    token_hash text primary key,
    account_id text not null references accounts(id),
    created_at_ms bigint not null,
    seen_at_ms bigint not null,
    expires_at_ms bigint not null
);
create index sessions_by_account on sessions(account_id);

-- An invitation or a password reset: whoever holds the token sets the password, once.
create table password_tokens (
    token_hash text primary key,
    account_id text not null references accounts(id),
    expires_at_ms bigint not null
);

create table widgets (
    id text primary key,
    shop_id text not null references shops(id),
    name text not null,
    allowed_origins text not null,
    settings text not null,
    created_at_ms bigint not null
);
create index widgets_by_shop on widgets(shop_id);

create table documents (
    id text primary key,
    shop_id text not null references shops(id),
    name text not null,
    sku text,
    audience text not null,
    effective_from_ms bigint,
    effective_until_ms bigint,
    active_revision text,
    created_at_ms bigint not null,
    removed_at_ms bigint
);
create index documents_by_shop on documents(shop_id, name);

create table revisions (
    id text primary key,
    shop_id text not null references shops(id),
    document_id text not null references documents(id),
    number bigint not null,
    file_name text not null,
    sha256 text not null,
    size_bytes bigint not null,
    format text,
    state text not null,
    stage_done bigint not null default 0,
    stage_total bigint not null default 0,
    stage_started_at_ms bigint,
    error_code text,
    error_detail text,
    warnings text not null default '[]',
    n_pages bigint,
    n_chunks bigint,
    parsed text,
    created_at_ms bigint not null,
    indexed_at_ms bigint,
    unique (document_id, number)
);
create index revisions_by_sha on revisions(shop_id, sha256);

create table chunks (
    id text primary key,
    shop_id text not null references shops(id),
    document_id text not null references documents(id),
    revision_id text not null references revisions(id),
    ordinal bigint not null,
    text text not null,
    span_start bigint not null,
    span_end bigint not null,
    n_tokens bigint not null,
    heading_path text not null,
    page bigint,
    disabled bigint not null default 0,
    edited bigint not null default 0,
    unique (revision_id, ordinal)
);
create index chunks_by_shop on chunks(shop_id);

create table embeddings (
    chunk_id text not null references chunks(id),
    model_id text not null,
    embedding blob not null,
    primary key (chunk_id, model_id)
);

create table policies (
    id text primary key,
    shop_id text not null references shops(id),
    number bigint not null,
    body text not null,
    author_id text,
    note text not null,
    created_at_ms bigint not null,
    unique (shop_id, number)
);

create table conversations (
    id text primary key,
    shop_id text not null references shops(id),
    widget_id text,
    -- `buyer`, or `test`: a question of staff that is never delivered to anybody
    kind text not null default 'buyer',
    buyer_hash text not null,
    lang text not null,
    -- the product whose page it began on
    sku text,
    handler text not null,
    agent_id text,
    closed bigint not null default 0,
    next_seq bigint not null default 1,
    created_at_ms bigint not null,
    updated_at_ms bigint not null
);
create index conversations_by_shop on conversations(shop_id, updated_at_ms);
create index conversations_by_buyer on conversations(shop_id, buyer_hash);

create table messages (
    id text primary key,
    shop_id text not null references shops(id),
    conversation_id text not null references conversations(id),
    seq bigint not null,
    author text not null,
    author_id text,
    text text not null,
    citations text not null default '[]',
    turn_id text,
    client_key text,
    thumbs bigint,
    created_at_ms bigint not null,
    unique (conversation_id, seq),
    unique (conversation_id, client_key)
);
-- At most one message of the shop's side answers a turn.
create unique index messages_reply_once on messages(turn_id) where author in ('assistant', 'reviewed', 'agent');

create table turns (
    id text primary key,
    shop_id text not null references shops(id),
    conversation_id text not null references conversations(id),
    message_id text not null references messages(id),
    question text not null,
    lang text not null,
    state text not null,
    version bigint not null default 0,
    draft text,
    citations text not null default '[]',
    evidence text,
    confidence double precision,
    topic text not null default 'other',
    decision text,
    audit bigint not null default 0,
    reasons text not null default '[]',
    policy_id text,
    draw double precision,
    record text,
    created_at_ms bigint not null,
    decided_at_ms bigint,
    replied_at_ms bigint
);
create index turns_by_state on turns(shop_id, state, created_at_ms);
create index turns_by_time on turns(shop_id, created_at_ms);
create index turns_by_conversation on turns(conversation_id, created_at_ms);

create table feedback (
    id text primary key,
    shop_id text not null references shops(id),
    turn_id text not null references turns(id),
    account_id text not null,
    verdict text not null,
    reason text,
    final_text text,
    created_at_ms bigint not null
);
create index feedback_by_turn on feedback(turn_id);

create table jobs (
    id text primary key,
    shop_id text not null references shops(id),
    kind text not null,
    key text not null,
    payload text not null,
    lane text not null,
    state text not null,
    attempt bigint not null default 0,
    max_attempts bigint not null,
    run_at_ms bigint not null,
    lease_until_ms bigint,
    lease_token text,
    error text,
    created_at_ms bigint not null,
    finished_at_ms bigint
);
create unique index jobs_one_unfinished on jobs(key) where state in ('queued', 'running');
create index jobs_to_claim on jobs(state, lane, run_at_ms);
-- Whose turn it is: the shop whose last job was finished longest ago.
create index jobs_by_shop on jobs(shop_id, lane, finished_at_ms);

create table audit_log (
    id text primary key,
    shop_id text not null references shops(id),
    account_id text,
    action text not null,
    subject text not null,
    detail text not null,
    created_at_ms bigint not null
);
create index audit_by_shop on audit_log(shop_id, created_at_ms);

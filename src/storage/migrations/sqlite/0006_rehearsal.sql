-- The first day: past questions of the shop are answered before any buyer asks, and people judge the answers.

-- One file of questions.
create table rehearsals (
    id text primary key,
    shop_id text not null references shops(id),
    account_id text not null,
    file_name text not null,
    -- the uploaded bytes, only until they are read
    sha256 text,
    -- `reading`, `answering`, `paused`, `cancelled`, `answered`, `failed`
    state text not null,
    -- why it failed
    problem text,
    -- messages of the file that ask nothing
    n_skipped bigint not null default 0,
    n_refused bigint not null default 0,
    -- rows that were not taken, each with its reason
    refused text not null default '[]',
    created_at_ms bigint not null
);
create index rehearsals_by_shop on rehearsals(shop_id, created_at_ms);

-- One question of it. Without a turn it is not answered yet.
create table rehearsed (
    id text primary key,
    shop_id text not null references shops(id),
    rehearsal_id text not null references rehearsals(id),
    ordinal bigint not null,
    -- where it stands in the file, and in which chat of it
    line bigint not null,
    thread bigint not null,
    question text not null,
    lang text not null,
    -- what the buyer said just before
    previous text,
    -- what a person answered then
    person_said text,
    turn_id text,
    -- it could not be answered
    failed bigint not null default 0,
    took_ms bigint,
    label_id text,
    unique (rehearsal_id, ordinal)
);
create index rehearsed_by_turn on rehearsed(turn_id);

-- A label that was taken back counts for nothing. Only labels of a rehearsal are.
alter table labels add column withdrawn_at_ms bigint;

-- Whether personal data in imported questions is masked before they are kept.
alter table shops add column mask_imports bigint not null default 1;

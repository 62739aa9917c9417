-- What a promise about wrong answers rests on: labels, proofs, and blind looks at what was sent.

-- One judgement of an answer, as a label. The feedback keeps what was sent instead; this keeps what it says about the
-- answer. Never changed; of several labels of a turn the newest counts.
create table labels (
    id text primary key,
    shop_id text not null references shops(id),
    turn_id text not null references turns(id),
    account_id text not null,
    outcome text not null,
    -- `review`, `audit`, `second_look`
    source text not null,
    -- the chance with which this answer came to be labelled in this way
    propensity double precision not null,
    created_at_ms bigint not null
);
create index labels_by_turn on labels(turn_id);
create index labels_by_source on labels(shop_id, source, created_at_ms);

-- An answer that is to be looked at blind.
create table looks (
    id text primary key,
    shop_id text not null references shops(id),
    turn_id text not null references turns(id),
    -- `audit`: it was sent without a person; `second_look`: an agent had accepted it
    source text not null,
    propensity double precision not null,
    -- who must not look: the agent who accepted it
    not_by text,
    label_id text,
    created_at_ms bigint not null,
    unique (turn_id, source)
);
create index looks_open on looks(shop_id, created_at_ms) where label_id is null;

-- A proof. The row is written once; only its end is added.
create table certificates (
    id text primary key,
    shop_id text not null references shops(id),
    -- `shop`, or `topic:` and a topic
    scope text not null,
    terms text not null,
    author_id text,
    note text not null,
    created_at_ms bigint not null,
    expires_at_ms bigint not null,
    voided_at_ms bigint,
    voided_why text,
    voided_by text
);
create index certificates_by_scope on certificates(shop_id, scope, created_at_ms);

-- What a turn was decided under. Turns of the time before this table had no known chance of a label.
create table bases (
    turn_id text primary key references turns(id),
    shop_id text not null references shops(id),
    -- the proof whose bar counted
    certificate_id text,
    -- which machinery made the answer
    pipeline text not null,
    -- the chance of a label: of any answer decided at that time, and of this one
    chance_of_all double precision not null,
    chance_own double precision not null,
    -- the cited documents, each with its epoch
    sources text not null
);
create index bases_by_certificate on bases(certificate_id);

-- Grows with every change of what a document says, or of who may be told.
alter table documents add column epoch bigint not null default 0;
alter table documents add column changed_at_ms bigint not null default 0;
-- The epoch that a person has declared as good as the proven one.
alter table documents add column verified_epoch bigint not null default -1;

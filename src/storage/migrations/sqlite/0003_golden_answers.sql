-- Golden answers: what staff approved to be said in so many words. A row stays when it is removed, so that the highest
-- version of a shop tells whether anything changed.
create table golden_answers (
    id text primary key,
    shop_id text not null references shops(id),
    answer text not null,
    lang text not null,
    sku text,
    audience text not null,
    effective_from_ms bigint,
    effective_until_ms bigint,
    -- `proposed`, `approved`, `off`
    state text not null,
    -- `sheet`, `console`, `staff`
    origin text not null,
    -- the sheet, in the version that staff have seen
    document_id text,
    revision_id text,
    -- the turn whose reply it was
    turn_id text,
    author_id text,
    -- grows with every change in the shop
    version bigint not null,
    created_at_ms bigint not null,
    updated_at_ms bigint not null,
    removed_at_ms bigint
);
create index golden_answers_by_shop on golden_answers(shop_id, version);

-- The ways to ask for it; number 0 is the question.
create table golden_phrasings (
    id text primary key,
    shop_id text not null references shops(id),
    golden_id text not null references golden_answers(id),
    ordinal bigint not null,
    text text not null,
    unique (golden_id, ordinal)
);
create index golden_phrasings_by_shop on golden_phrasings(shop_id);

create table golden_embeddings (
    phrasing_id text not null references golden_phrasings(id),
    model_id text not null,
    embedding blob not null,
    primary key (phrasing_id, model_id)
);

-- Drafts wherever buyers are: the platform of a conversation, and what holds on which platform.

-- Where the buyer is. Conversations of kind `companion` are on another platform: an agent brings the message here and
-- copies the reply back.
alter table conversations add column platform text not null default 'own';
alter table conversations add column order_number text;
create index conversations_brought on conversations(shop_id, agent_id, created_at_ms) where kind = 'companion';

-- The platforms whose rules it tells, as a JSON list of codes; empty for all.
alter table documents add column platforms text not null default '[]';
alter table golden_answers add column platforms text not null default '[]';

-- What an edit changed: `tone`, `fact`, `missing_step`, `wrong_product`; none where nothing was edited.
alter table feedback add column difference text;

-- What people say again and again. Without an owner it is the shop's.
create table canned_replies (
    id text primary key,
    shop_id text not null references shops(id),
    owner_id text,
    title text not null,
    body text not null,
    updated_at_ms bigint not null
);
create index canned_replies_by_shop on canned_replies(shop_id, owner_id);

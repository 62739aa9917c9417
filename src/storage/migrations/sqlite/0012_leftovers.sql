-- What is over is found without reading everything: see `storage::retention`.
create index jobs_by_end on jobs(state, finished_at_ms);
create index order_events_by_time on order_events(received_at_ms);

-- A buyer's chat ends when nobody came back to it for so long: the browser may be another buyer's by then.
alter table conversations add column buyer_seen_at_ms bigint not null default 0;
alter table conversations add column idle_ms bigint not null default 2592000000;
update conversations set buyer_seen_at_ms = updated_at_ms;

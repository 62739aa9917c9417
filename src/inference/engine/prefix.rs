//! Earlier prompts, for prompts that begin the same way.
//!
//! # Why
//! Reading a prompt is most of the work of a short answer: every prompt of a shop begins with the same instruction,
//! and one turn asks several questions about the same context. What was read lies in a tree of blocks, one tree for
//! each shop, so that prompts with the same beginning hold its blocks together. Only exactly equal tokens at exactly
//! equal positions are reused, so a result never depends on what was asked before.
//!
//! What a buyer wrote belongs to the conversation: its blocks are found by requests of that conversation only. A
//! block in which the public part ends is kept twice, once without what follows.

use std::sync::Arc;

use uuid::Uuid;

use super::kv::{BLOCK, KvBlock, KvShape, Sequence};

/// Tokens at the end of a prompt that are always read: one, to get logits.
pub const READ_AGAIN: usize = 1;

/// Who may find what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// Nothing is shared between shops.
    pub shop: Option<Uuid>,
    /// What is not public is not shared between conversations.
    pub conversation: Option<Uuid>,
}

/// The trees of all shops.
pub struct PrefixCache {
    shape: KvShape,
    budget_bytes: usize,
    n_blocks: usize,
    trees: Vec<(Option<Uuid>, Vec<Node>)>,
    clock: u64,
}

struct Node {
    /// At most [`BLOCK`]; fewer only where a prompt or its public part ends.
    tokens: Vec<u32>,
    block: Arc<KvBlock>,
    /// `None`: the whole shop.
    visible_to: Option<Option<Uuid>>,
    last_used: u64,
    children: Vec<Node>,
}

impl Node {
    fn is_visible(&self, owner: Owner) -> bool {
        self.visible_to.is_none_or(|conversation| conversation == owner.conversation)
    }
}

impl PrefixCache {
    /// Keeps at most `budget_bytes`; 0 keeps nothing.
    pub fn new(shape: KvShape, budget_bytes: usize) -> Self {
        Self { shape, budget_bytes, n_blocks: 0, trees: Vec::new(), clock: 0 }
    }

    /// A sequence that has read as much of `prompt` as is known to `owner`, but never its last [`READ_AGAIN`] tokens.
    pub fn begin(&mut self, prompt: &[u32], owner: Owner) -> Sequence {
        self.clock += 1;
        let clock = self.clock;
        let mut sequence = Sequence::new(self.shape);
        let readable = &prompt[..prompt.len().saturating_sub(READ_AGAIN)];
        let Some((_, roots)) = self.trees.iter_mut().find(|(shop, _)| *shop == owner.shop) else {
            return sequence;
        };
        let mut nodes = roots;
        loop {
            let rest = &readable[sequence.tokens().len()..];
            let shared = |node: &Node| node.tokens.iter().zip(rest).take_while(|(a, b)| a == b).count();
            let best = (0..nodes.len()).filter(|i| nodes[*i].is_visible(owner)).max_by_key(|i| shared(&nodes[*i]));
            let Some(node) = best.map(|i| &mut nodes[i]) else { return sequence };
            let n = shared(node);
            if n == 0 {
                return sequence;
            }
            node.last_used = clock;
            sequence.adopt(node.block.clone(), &node.tokens[..n]);
            if n < BLOCK {
                return sequence;
            }
            nodes = &mut node.children;
        }
    }

    /// Remembers what `sequence` has read. Its first `n_public` tokens are for the whole shop.
    pub fn keep(&mut self, sequence: &Sequence, n_public: usize, owner: Owner) {
        if self.budget_bytes < self.shape.block_bytes() {
            return;
        }
        self.clock += 1;
        let tokens = sequence.tokens();
        let at = self.trees.iter().position(|(shop, _)| *shop == owner.shop).unwrap_or_else(|| {
            self.trees.push((owner.shop, Vec::new()));
            self.trees.len() - 1
        });
        let mut nodes = &mut self.trees[at].1;
        for (i, (part, block)) in tokens.chunks(BLOCK).zip(sequence.blocks()).enumerate() {
            let n_public = n_public.saturating_sub(i * BLOCK).min(part.len());
            let is_public = n_public == part.len();
            if !is_public && n_public > 0 {
                let tail = || Arc::new(block.cut(n_public));
                let (_, is_new) = put(nodes, &part[..n_public], tail, None, self.clock);
                self.n_blocks += usize::from(is_new);
            }
            let visible_to = if is_public { None } else { Some(owner.conversation) };
            let (node, is_new) = put(nodes, part, || block.clone(), visible_to, self.clock);
            self.n_blocks += usize::from(is_new);
            nodes = &mut nodes[node].children;
        }
        while self.used_bytes() > self.budget_bytes {
            self.evict();
        }
    }

    /// Memory of the blocks.
    pub fn used_bytes(&self) -> usize {
        self.n_blocks * self.shape.block_bytes()
    }

    /// Takes the leaf out that nobody used for the longest time.
    fn evict(&mut self) {
        let oldest = self.trees.iter().enumerate().filter_map(|(i, (_, nodes))| Some((oldest_leaf(nodes)?, i))).min();
        match oldest {
            Some((last_used, tree)) => {
                remove_leaf(&mut self.trees[tree].1, last_used);
                self.n_blocks -= 1;
            }
            None => self.n_blocks = 0,
        }
        self.trees.retain(|(_, nodes)| !nodes.is_empty());
    }
}

/// The node of these tokens, found or made, and whether it was made. A shorter one of the same beginning gives way.
fn put(
    nodes: &mut Vec<Node>,
    tokens: &[u32],
    block: impl FnOnce() -> Arc<KvBlock>,
    visible_to: Option<Option<Uuid>>,
    clock: u64,
) -> (usize, bool) {
    let same = |node: &Node| node.visible_to == visible_to;
    if let Some(i) = nodes.iter().position(|node| same(node) && node.tokens.starts_with(tokens)) {
        nodes[i].last_used = clock;
        return (i, false);
    }
    let node = Node { tokens: tokens.to_vec(), block: block(), visible_to, last_used: clock, children: Vec::new() };
    match nodes.iter().position(|node| same(node) && tokens.starts_with(&node.tokens)) {
        Some(i) => {
            nodes[i] = node;
            (i, false)
        }
        None => {
            nodes.push(node);
            (nodes.len() - 1, true)
        }
    }
}

fn oldest_leaf(nodes: &[Node]) -> Option<u64> {
    let age = |node: &Node| oldest_leaf(&node.children).unwrap_or(node.last_used);
    nodes.iter().map(age).min()
}

fn remove_leaf(nodes: &mut Vec<Node>, last_used: u64) -> bool {
    if let Some(i) = nodes.iter().position(|node| node.children.is_empty() && node.last_used == last_used) {
        nodes.remove(i);
        return true;
    }
    nodes.iter_mut().any(|node| remove_leaf(&mut node.children, last_used))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: KvShape = KvShape { layers: 1, kv_heads: 1, head_dim: 32 };

    fn owner(shop: u128, conversation: u128) -> Owner {
        Owner { shop: Some(Uuid::from_u128(shop)), conversation: Some(Uuid::from_u128(conversation)) }
    }

    /// Reads a prompt; how much of it was known.
    fn read(cache: &mut PrefixCache, prompt: &[u32], n_public: usize, owner: Owner) -> usize {
        let mut sequence = cache.begin(prompt, owner);
        let known = sequence.tokens().len();
        assert_eq!(sequence.tokens(), &prompt[..known]);
        for (i, token) in prompt.iter().enumerate().take(known) {
            assert_eq!(sequence.blocks()[i / BLOCK].keys(0, 0)[i % BLOCK], *token as f32, "position {i}");
        }
        let rest = &prompt[known..];
        sequence.reserve(rest.len());
        let rows: Vec<f32> = rest.iter().flat_map(|token| vec![*token as f32; 32]).collect();
        sequence.write(0, &rows, &rows);
        sequence.commit(rest);
        cache.keep(&sequence, n_public, owner);
        known
    }

    fn tokens(n: usize, from: u32) -> Vec<u32> {
        (0..n).map(|i| from + u32::try_from(i).unwrap()).collect()
    }

    #[test]
    fn the_longest_shared_beginning_is_found_and_the_last_token_is_read_again() {
        let mut cache = PrefixCache::new(SHAPE, 1 << 20);
        let me = owner(1, 1);
        let first = tokens(100, 0);
        assert_eq!(read(&mut cache, &first, 0, me), 0);
        assert_eq!(read(&mut cache, &first, 0, me), 99);
        let other = [&first[..70], &[900, 901]].concat();
        assert_eq!(read(&mut cache, &other, 0, me), 70);
        assert_eq!(read(&mut cache, &[other.clone(), vec![7; 40]].concat(), 0, me), 72);
        assert_eq!(read(&mut cache, &first, 0, me), 99, "the first is what it was");
        assert_eq!(read(&mut cache, &[7], 0, me), 0);
    }

    #[test]
    fn what_is_public_is_found_by_the_shop_and_the_rest_by_the_conversation() {
        let mut cache = PrefixCache::new(SHAPE, 1 << 20);
        let prompt = tokens(100, 0);
        read(&mut cache, &prompt, 40, owner(1, 1));
        assert_eq!(cache.begin(&prompt, owner(1, 1)).tokens().len(), 99);
        let stranger = cache.begin(&prompt, owner(1, 2));
        assert_eq!(stranger.tokens().len(), 40);
        let hidden = stranger.blocks()[1].keys(0, 0);
        assert_eq!(hidden[7], 39.0);
        assert!(hidden[8..BLOCK].iter().all(|x| *x == 0.0), "nothing of the other buyer comes along");
        assert_eq!(cache.begin(&prompt, owner(2, 1)).tokens().len(), 0);
        let nobody = Owner { shop: Some(Uuid::from_u128(1)), conversation: None };
        assert_eq!(cache.begin(&prompt, nobody).tokens().len(), 40);
    }

    #[test]
    fn what_was_not_used_for_the_longest_time_goes_when_memory_is_short() {
        let mut cache = PrefixCache::new(SHAPE, 4 * SHAPE.block_bytes());
        let me = owner(1, 1);
        let prompts = [1000, 2000, 3000].map(|from| tokens(60, from));
        read(&mut cache, &prompts[0], 60, me);
        read(&mut cache, &prompts[1], 60, owner(2, 2));
        read(&mut cache, &prompts[0], 60, me);
        read(&mut cache, &prompts[2], 60, me);
        assert!(cache.used_bytes() <= 4 * SHAPE.block_bytes());
        assert_eq!(cache.begin(&prompts[0], me).tokens().len(), 59);
        assert_eq!(cache.begin(&prompts[1], owner(2, 2)).tokens().len(), 0);
    }

    #[test]
    fn no_budget_keeps_nothing() {
        let mut cache = PrefixCache::new(SHAPE, 0);
        let prompt = tokens(60, 0);
        read(&mut cache, &prompt, 60, owner(1, 1));
        assert_eq!(read(&mut cache, &prompt, 60, owner(1, 1)), 0);
    }
}

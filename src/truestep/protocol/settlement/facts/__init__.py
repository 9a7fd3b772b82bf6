"""From events to calls: what a node, client or keeper knows, and what it can do (S1.9).

The contracts keep hashes where callers need records, so whoever makes a call states again what events have
said: a batch's terms and items, a leaf with its proof, a game. This package is all that lies between.

Reading the chain
    `fold.fold(facts, logs)` makes new `records.Facts` of old ones and of the events of all contracts, each
    with its place in the chain and its block's time (`records.Logged`). Begin with `Facts(deployment=...)`.

    Facts never change, so any of them is a checkpoint: decisions see one place in the chain while reading
    goes on, and a reorganisation is undone by going on from older facts. (An undo log would need an inverse
    for each event. A mapping is copied instead, once a fold.)

    Nodes can leave logs out. What does not fit the facts is left out whole, and `fold.fold_with_gaps` also
    returns the events that show that others are missing before them (`gaps`): a reason to read again.

    Events of availability are folded along where a network has it (`Facts.keeping`): `Facts.data` says how
    items stand, `Facts.kept` what jobs and batches depend on, and `judging` lets the policy *kept* answer by
    both as its contract does.

    What is over leaves the facts (`retention`). Results that are not written out stay only for the requesters
    and consumers in `Facts.keeps`, or everybody's if that is None.

Looking
    `views.claim_view` says what a claim says as the machine has it, with its state hash. `views.game_view`
    says where a game stands: numbers and hashes at its boundaries, whose move it is and until when, how
    `settle` would judge it. `views.leaf_proof` is what consumers that carry proofs need.
    `due.due(facts, account, now)` lists what anybody can do, and the account's moves, by urgency; `due.owed`
    what the account can withdraw.

Calling
    A builder takes the facts, a `rehearsal.Caller` (who, and when) and what the caller wants. It answers
    `rehearsal.Ready`, the typed call with the coins to send, or the `Reject` that the contracts would give:
    each call is rehearsed on the pure model. `Reject.OVER` stands for what has left the facts. Wallets,
    allowances of tokens and what strangers' contracts do are not facts: a call can still fail by them.

    `job_calls`: register, post, top_up, close, cancel, write_out, feed, call_back, withdraw, deposit_for,
    withdraw_stake, set_delegate.
    `kept_calls`: supply, deliver, hold, settle_hold, fail, withdraw; and the coins that go with calls of the
    contracts of availability, which are not rehearsed.
    `batch_calls`: take, claim (or claim_leaves), release, expire, finalize, finalize_leaf.
    `game_calls`: open_game, refute, adopt, split, pick, step, descend, reveal, settle, show, reward,
    withdraw_bonds.
"""

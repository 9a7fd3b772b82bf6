"""The contracts' batches, leaves and records, told as tasks, claims and games, and back.

Nodes and clients think of tasks: each is taken, claimed, disputed and made final. The contracts think of
batches, of which they keep hashes. This package is all that lies between (decision 0018):

`events.told(facts, logged)` tells what an event of a contract means for each task, claim or game, and
`telling.fold_told` folds and tells many at once; `table.Table` keeps what was told, also of what is over;
`records` says how jobs and games stand, `standing` how tasks do by facts alone; `calls.prepared_call` makes
the contracts' call of one in `protocol.calls`, rehearsed on the pure model; `duties` lists what is left to
do besides moves.

But for the table, all are pure functions of `facts.records.Facts`, as they were before the event, or are when
the call is made.
"""

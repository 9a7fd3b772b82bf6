"""The IR that hashes the nodes above changed pages: all levels of a tree in one call."""

BATCH_NODES = 64
"""Nodes gathered at a time: 4 KiB."""

_NODE, _DIGEST = "<8 x i64>", "<4 x i64>"


def climb_ir(whole: int) -> str:
    """IR of `climb(nodes, numbers, count, levels, zeros)`, beside a `hash(nodes, digests, count)` that wants
    a multiple of `whole`.

    On each level, `numbers` become those of the distinct parents, which are then hashed a batch at a time.
    """
    return f"""
declare i64 @llvm.umin.i64(i64, i64)
define void @climb(ptr %nodes, ptr %numbers, i64 %count, i64 %levels, ptr %zeros) nounwind {{
entry:
  %gathered = alloca [{BATCH_NODES} x {_NODE}], align 64
  %digests = alloca [{BATCH_NODES} x {_DIGEST}], align 64
  br label %level
level:
  %depth = phi i64 [0, %entry], [%depth.next, %level.end]
  %members = phi i64 [%count, %entry], [%kept, %level.end]
  br label %merge
{_MERGE}hashing:
  %depth.next = add i64 %depth, 1
  %zero.at = getelementptr {_DIGEST}, ptr %zeros, i64 %depth
  %zero = load {_DIGEST}, ptr %zero.at, align 8
  %zeros.below = shufflevector {_DIGEST} %zero, {_DIGEST} poison,
    <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 0, i32 1, i32 2, i32 3>
  %zero.above.at = getelementptr {_DIGEST}, ptr %zeros, i64 %depth.next
  %zero.above = load {_DIGEST}, ptr %zero.above.at, align 8
  br label %batch
batch:
  %first = phi i64 [0, %hashing], [%first.next, %batch.end]
  %rest = sub i64 %kept, %first
  %size = call i64 @llvm.umin.i64(i64 %rest, i64 {BATCH_NODES})
  %batch.numbers = getelementptr i64, ptr %numbers, i64 %first
  br label %gather
{_GATHER}hash:
  %more.than = add i64 %size, {whole - 1}
  %hashed = and i64 %more.than, {-whole}
  call void @hash(ptr %gathered, ptr %digests, i64 %hashed)
  br label %scatter
{_SCATTER}batch.end:
  %first.next = add i64 %first, %size
  %is.hashing = icmp ult i64 %first.next, %kept
  br i1 %is.hashing, label %batch, label %level.end
level.end:
  %is.climbing = icmp ult i64 %depth.next, %levels
  br i1 %is.climbing, label %level, label %end
end:
  ret void
}}
"""


_MERGE = """\
merge:
  %member = phi i64 [0, %level], [%member.next, %merge]
  %found = phi i64 [0, %level], [%kept, %merge]
  %previous = phi i64 [0, %level], [%parent, %merge]
  %child.at = getelementptr i64, ptr %numbers, i64 %member
  %child = load i64, ptr %child.at
  %parent = lshr i64 %child, 1
  %is.new = icmp ne i64 %parent, %previous
  %new = zext i1 %is.new to i64
  %kept = add i64 %found, %new
  %last = sub i64 %kept, 1
  %parent.at = getelementptr i64, ptr %numbers, i64 %last
  store i64 %parent, ptr %parent.at
  %member.next = add i64 %member, 1
  %is.merging = icmp ult i64 %member.next, %members
  br i1 %is.merging, label %merge, label %hashing
"""
"""Replaces numbers by those of their parents, each once."""

_GATHER = f"""\
gather:
  %g = phi i64 [0, %batch], [%g.next, %gather]
  %g.number.at = getelementptr i64, ptr %batch.numbers, i64 %g
  %g.number = load i64, ptr %g.number.at
  %children.at = getelementptr {_NODE}, ptr %nodes, i64 %g.number
  %children = load {_NODE}, ptr %children.at, align 8
  %plain = xor {_NODE} %children, %zeros.below
  %gathered.at = getelementptr {_NODE}, ptr %gathered, i64 %g
  store {_NODE} %plain, ptr %gathered.at, align 64
  %g.next = add i64 %g, 1
  %is.gathering = icmp ult i64 %g.next, %size
  br i1 %is.gathering, label %gather, label %hash
"""
_SCATTER = f"""\
scatter:
  %s = phi i64 [0, %hash], [%s.next, %scatter]
  %s.number.at = getelementptr i64, ptr %batch.numbers, i64 %s
  %s.number = load i64, ptr %s.number.at
  %digest.at = getelementptr {_DIGEST}, ptr %digests, i64 %s
  %digest = load {_DIGEST}, ptr %digest.at, align 32
  %stored = xor {_DIGEST} %digest, %zero.above
  %node.at = getelementptr {_DIGEST}, ptr %nodes, i64 %s.number
  store {_DIGEST} %stored, ptr %node.at, align 8
  %s.next = add i64 %s, 1
  %is.scattering = icmp ult i64 %s.next, %size
  br i1 %is.scattering, label %scatter, label %batch.end
"""

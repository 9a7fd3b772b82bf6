#pragma version 0.4.3
"""
@title The games of each claim; the open ones as a doubly linked list, oldest first (docs/protocol.md P5.5)
@notice So the oldest is known, and any game leaves, in a fixed number of steps however many there are.
"""
from modules import game_words

GAMES_LIMIT: constant(uint256) = 2**23 - 1
# Ordinals are packed into 23 bits; a window's blocks cannot hold so many.

claims: HashMap[uint256, uint256]  # claim id: its packed word
links: HashMap[uint256, uint256]  # game id: its packed word
ordinals: HashMap[uint256, HashMap[address, uint256]]  # claim id, challenger: ordinal of the game, or 0


@internal
@view
def claim_of(game_id: uint256) -> game_words.Claim:
    """
    @notice The claim that a game is about.
    """
    return game_words.unpack_claim(self.claims[game_id >> 32])


@internal
@view
def challenger_of(game_id: uint256) -> address:
    """
    @notice Who opened the game.
    """
    return game_words.unpack_links(self.links[game_id]).challenger


@internal
def append(claim_id: uint256, operator: address, challenger: address) -> uint256:
    """
    @notice Put a new game behind the newest.
    @return The game's id.
    """
    assert self.ordinals[claim_id][challenger] == 0, "caller challenged this claim"
    claim: game_words.Claim = game_words.unpack_claim(self.claims[claim_id])
    ordinal: uint256 = claim.opened + 1
    assert ordinal <= GAMES_LIMIT, "too many games on the claim"
    if claim.open_count == 0:
        claim.first = ordinal
    else:
        self._link_newer(claim_id << 32 | claim.last, ordinal)
    self.links[claim_id << 32 | ordinal] = game_words.pack_links(
        game_words.Links(challenger=challenger, older=claim.last, newer=0)
    )
    claim.operator = operator
    claim.last = ordinal
    claim.opened = ordinal
    claim.open_count += 1
    self.claims[claim_id] = game_words.pack_claim(claim)
    self.ordinals[claim_id][challenger] = ordinal
    return claim_id << 32 | ordinal


@internal
def unlink(game_id: uint256, claim: game_words.Claim) -> game_words.Claim:
    """
    @notice Take a game out of the open ones.
    @return The claim without it, as it is now stored.
    """
    claim_id: uint256 = game_id >> 32
    links: game_words.Links = game_words.unpack_links(self.links[game_id])
    rest: game_words.Claim = claim
    if links.older == 0:
        rest.first = links.newer
    else:
        self._link_newer(claim_id << 32 | links.older, links.newer)
    if links.newer == 0:
        rest.last = links.older
    else:
        self._link_older(claim_id << 32 | links.newer, links.older)
    rest.open_count -= 1
    self.claims[claim_id] = game_words.pack_claim(rest)
    return rest


@internal
def _link_newer(game_id: uint256, newer: uint256):
    links: game_words.Links = game_words.unpack_links(self.links[game_id])
    links.newer = newer
    self.links[game_id] = game_words.pack_links(links)


@internal
def _link_older(game_id: uint256, older: uint256):
    links: game_words.Links = game_words.unpack_links(self.links[game_id])
    links.older = older
    self.links[game_id] = game_words.pack_links(links)

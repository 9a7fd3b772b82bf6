"""What is left out of a command's start is still there when it is called."""

import subprocess
import sys

PROGRAM = """
import sys
from truestep.cli.deferred_imports import defer_imports
defer_imports()
import eth_account
from py_ecc.bls import G2ProofOfPossession as curve
modules = [name for name in sys.modules if name.endswith("_pairing")]
assert all(type(sys.modules[name]).__name__ == "_Deferred" for name in modules), modules
key = curve.KeyGen(bytes(32))
assert curve.Verify(curve.SkToPk(key), b"message", curve.Sign(key, b"message"))
"""


def test_a_pairing_loads_when_it_is_called() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)


def test_a_keystore_is_read_though_its_library_is_deferred() -> None:
    program = """
import sys
from truestep.cli.deferred_imports import defer_imports
defer_imports()
from eth_account import Account
assert type(sys.modules["Crypto.Protocol.KDF"]).__name__ == "_Deferred"
account = Account.create()
keystore = Account.encrypt(account.key, "password", kdf="scrypt", iterations=2)
assert Account.decrypt(keystore, "password") == account.key
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_module_in_a_deferred_package_is_found() -> None:
    """The chain in Python imports one: without it, `truestep devnet` does not start."""
    program = """
from truestep.cli.deferred_imports import defer_imports
defer_imports()
import eth.precompiles
from py_ecc.bls import G2ProofOfPossession as curve
curve.SkToPk(curve.KeyGen(bytes(32)))
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_run_loads_nothing_of_daemons_and_chains() -> None:
    """They were a third of the time in which `truestep run` starts."""
    program = """
import sys
import truestep.cli.start, truestep.cli.commands.run
loaded = {"truestep.cli.daemons", "truestep.protocol.calls", "tenacity"} & sys.modules.keys()
assert not loaded, loaded
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_users_cache_is_known_without_what_builds() -> None:
    """Every run asks for it."""
    program = """
import sys
import truestep
import truestep.guest.user_cache
loaded = {"truestep.guest.build", "truestep.guest.sdk", "concurrent.futures"} & sys.modules.keys()
assert not loaded, loaded
from truestep.guest import build_c
assert build_c is sys.modules["truestep.guest.build"].build_c
assert truestep.guest(build_c) is not None
try:
    truestep.guest.nothing
except AttributeError as error:
    assert "has no attribute 'nothing'" in str(error)
"""
    subprocess.run([sys.executable, "-c", program], check=True)

// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.20;

import {JobReader} from "truestep-contracts/src/JobReader.sol";
import {IResults} from "truestep-contracts/src/interfaces/IResults.sol";

/// @notice That the layout works; what the library does is tested against the real contracts, in tests/contracts.
contract JobReaderTest {
    // The root of a range of 2^24 zero leaves (machine M3.2).
    bytes32 private constant ZERO_ROOT = 0xcdc72595f74c7b1043d0e1ffbab734648c838dfb0527d971b602bc216c9619ef;

    function check(IResults.Result memory claimed, bytes memory output) external pure {
        JobReader.checkOutput(claimed, output);
    }

    function result(uint64 size) private pure returns (IResults.Result memory) {
        return IResults.Result(true, true, 1, 0, 1, size, ZERO_ROOT);
    }

    function test_zeros_are_an_output() external view {
        this.check(result(0), "");
        this.check(result(8192), new bytes(8192));
    }

    function test_other_bytes_are_refused() external view {
        try this.check(result(1), "x") {
            revert("expected a refusal");
        } catch Error(string memory reason) {
            require(keccak256(bytes(reason)) == keccak256("not the final output"), reason);
        }
    }
}

"""What the guest's code is: its instructions, where it may jump, what is alive, and where floats are."""

"""The economy in virtual time: roles decide, the model judges, coins are counted (docs/economics.md)."""

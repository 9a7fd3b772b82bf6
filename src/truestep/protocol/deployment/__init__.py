"""How a network's contracts are deployed and connected, and what must hold then: data, no transactions."""

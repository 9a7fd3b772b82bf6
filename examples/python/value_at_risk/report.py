"""What `reduce.py` found, in words."""

import sys

import numpy as np

paths, mean_loss, value_at_risk, shortfall = np.fromfile(sys.argv[1])
print(f"{paths:,.0f} paths over one year, equal parts of five stocks")
print(f"mean return                    {-mean_loss:8.2%}")
print(f"value at risk, 1 percent       {value_at_risk:8.2%} of the money is lost, or more")
print(f"expected shortfall, 1 percent  {shortfall:8.2%} is lost in the mean of those cases")

"""The site's customers as a part of the service: opens its CRM, keeps it in step, and answers pages about it.

What a customer is, `crm_bridge` knows; here it is started, stopped, asked in lanes of its own, and told what happened
on the phone. No SQL and no HTTP here.
"""

from cti.customers.opening import Opening
from cti.customers.part import Customers

__all__ = ["Customers", "Opening"]

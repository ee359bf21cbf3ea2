"""Jobs: submitted to a table, claimed by workers that compute them; callbacks and expiry."""

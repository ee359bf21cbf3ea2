"""Jobs: the queue, the workers that compute them, callbacks and expiry."""

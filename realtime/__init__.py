"""What happened, told to those it concerns: the durable inbox, its fan-out, the WebSocket and polling."""

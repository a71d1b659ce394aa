"""RabbitMQ as Laravel's queue driver uses it: a connection that reconnects, deliveries, confirmed publishes."""

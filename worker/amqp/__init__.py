"""RabbitMQ as Laravel's queue driver uses it: a connection that comes back, deliveries, confirmed publishes."""

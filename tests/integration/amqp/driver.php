<?php
// Speaks to RabbitMQ with the real php-amqplib, declaring and publishing as Laravel's queue driver does.
//
//   php driver.php PORT push QUEUE BODY ATTEMPTS            publish a job now
//   php driver.php PORT later QUEUE BODY ATTEMPTS SECONDS   publish a job through a delay queue
//   php driver.php PORT pop QUEUE                           take a message; prints properties, headers and body as JSON

error_reporting(E_ALL & ~E_DEPRECATED);
require 'PhpAmqpLib/autoload.php';

use PhpAmqpLib\Connection\AMQPStreamConnection;
use PhpAmqpLib\Exception\AMQPProtocolChannelException;
use PhpAmqpLib\Message\AMQPMessage;
use PhpAmqpLib\Wire\AMQPTable;

function is_there($connection, string $queue): bool
{
    try {
        $channel = $connection->channel();
        $channel->queue_declare($queue, true);
        $channel->close();
        return true;
    } catch (AMQPProtocolChannelException $error) {
        if ($error->amqp_reply_code === 404) {
            return false;
        }
        throw $error;
    }
}

function message_of(string $body, int $attempts): AMQPMessage
{
    $message = new AMQPMessage($body, [
        'content_type' => 'application/json',
        'delivery_mode' => AMQPMessage::DELIVERY_MODE_PERSISTENT,
        'correlation_id' => json_decode($body, true)['id'],
    ]);
    $message->set('application_headers', new AMQPTable(['laravel' => ['attempts' => $attempts]]));
    return $message;
}

[, $port, $verb, $queue] = $argv;
$connection = new AMQPStreamConnection('127.0.0.1', $port, 'guest', 'guest');
$channel = $connection->channel();

if ($verb === 'pop') {
    $message = $channel->basic_get($queue);
    if ($message !== null) {
        $channel->basic_ack($message->getDeliveryTag());
        $properties = $message->get_properties();
        unset($properties['application_headers']);
        $headers = $message->get('application_headers')->getNativeData();
        echo json_encode(['properties' => $properties, 'headers' => $headers, 'body' => $message->getBody()]);
    }
} else {
    if (!is_there($connection, $queue)) {
        $channel->queue_declare($queue, false, true, false, false, false, new AMQPTable([]));
    }
    $key = $queue;
    if ($verb === 'later') {
        $ttl = ((int) $argv[6]) * 1000;
        $key = "$queue.delay.$ttl";
        $channel->queue_declare($key, false, true, false, false, false, new AMQPTable([
            'x-dead-letter-exchange' => '',
            'x-dead-letter-routing-key' => $queue,
            'x-message-ttl' => $ttl,
            'x-expires' => $ttl * 2,
        ]));
    }
    $channel->basic_publish(message_of($argv[4], (int) $argv[5]), '', $key, true);
}
$channel->close();
$connection->close();

// Node.js example
async function sendOrderConfirmation(order) {
  const emailData = {
    to: order.customerEmail,
    toName: order.customerName,
    subject: `Order Confirmation #${order.id}`,
    body: `
      <html>
        <body>
          <h2>Thank you for your order!</h2>
          <p>Order ID: ${order.id}</p>
          <p>Total: $${order.total}</p>
          <p>Expected delivery: ${order.deliveryDate}</p>
        </body>
      </html>
    `,
    isHtml: true,
    replyTo: 'support@yourstore.com'
  };

  const response = await fetch('http://your-aegis-mailer.com/send', {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      'X-Api-Key': process.env.AEGIS_API_KEY
    },
    body: JSON.stringify(emailData)
  });

  const result = await response.json();
  
  // Store message ID for tracking
  await storeEmailTracking(order.id, result.message_id);
  
  return result;
}

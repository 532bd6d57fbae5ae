Feature: SSH and RDP are closed to the internet

  Scenario Outline: groups
    Given I have aws_security_group defined
    When it has ingress
    Then it must have ingress
    Then it must not have tcp protocol and port <port> for 0.0.0.0/0

    Examples:
      | port |
      | 22   |
      | 3389 |

  Scenario Outline: rules
    Given I have aws_security_group_rule defined
    Then it must not have tcp protocol and port <port> for 0.0.0.0/0

    Examples:
      | port |
      | 22   |
      | 3389 |
